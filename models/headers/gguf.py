"""The bounded reader of GGUF headers (ggml docs/gguf.md), with llama.cpp's rules or stricter."""

from __future__ import annotations

import re
import struct
from collections import Counter
from pathlib import Path

import msgspec

from models.headers.bounded import Cursor, open_bounded
from models.headers.ggml import FILE_TYPES
from models.headers.keyvalues import TEMPLATE_KEY, Skipped, Value, read_key_values
from models.headers.tensors import Tensor, align, check_layout, read_tensors

MAX_ALIGNMENT = 1 << 20

_U32 = struct.Struct("<I")
_TOKENS = "tokenizer.ggml.tokens"


class GgufHeader(msgspec.Struct, frozen=True):
    """What a GGUF file says about itself. Empty strings and None stand for what it does not say.

    ``metadata`` has every key; arrays and long strings stay in the file and are given as Skipped.
    ``context_length`` and ``vocabulary`` count tokens.
    """

    version: int
    architecture: str
    name: str
    context_length: int
    vocabulary: int
    quantisation: str
    chat_template: str
    bos: int | None
    eos: int | None
    add_bos: bool | None
    licence: str
    licence_link: str
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    tensor_bytes: int
    data_offset: int
    size: int


class GgufPart(msgspec.Struct, frozen=True):
    """One of the ``count`` files of a model, with its ``number`` from 0.

    ``spans`` are the bytes that each key takes with its value. ``total`` is the number of tensors
    in all parts together.
    """

    version: int
    number: int
    count: int
    total: int
    metadata: dict[str, Value]
    spans: dict[str, range]
    tensors: tuple[Tensor, ...]
    alignment: int
    data_offset: int


def read_gguf(path: Path) -> GgufHeader:
    """The checked header of a GGUF language model; raises HeaderError naming the broken rule."""
    with open_bounded(path) as cursor:
        part = _read_part(cursor)
        if part.count > 1:
            cursor.refuse(
                "one part of a split model: `strop models import` joins the parts, given the first"
            )
        return _describe(cursor, part)


def read_part(path: Path) -> GgufPart:
    """The checked header of a GGUF that may be one part of several; raises HeaderError."""
    with open_bounded(path) as cursor:
        return _read_part(cursor)


def _read_part(cursor: Cursor) -> GgufPart:
    version = _read_version(cursor)
    tensor_count = cursor.u64("the tensor count")
    values, spans = read_key_values(cursor, cursor.u64("the key-value count"))
    count = _integer(cursor, values, "split.count", 1) or 1
    tensors = read_tensors(cursor, tensor_count) if tensor_count or count < 2 else ()
    alignment = _integer(cursor, values, "general.alignment", 32)
    if not 0 < alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
        cursor.refuse(f"alignment {alignment} is no power of two up to {MAX_ALIGNMENT}")
    data_offset = align(cursor.offset, alignment)
    check_layout(cursor, tensors, alignment, data_offset)
    return GgufPart(
        version=version,
        number=_integer(cursor, values, "split.no", 0),
        count=count,
        total=_integer(cursor, values, "split.tensors.count", len(tensors)),
        metadata=values,
        spans=spans,
        tensors=tensors,
        alignment=alignment,
        data_offset=data_offset,
    )


def _read_version(cursor: Cursor) -> int:
    magic = cursor.take(4, "the magic")
    if magic != b"GGUF":
        cursor.refuse(f"not a GGUF file: starts with {magic!r}", 0)
    version = int(cursor.unpack(_U32, "the version"))
    if version not in (2, 3):
        if version and version & 0xFFFF == 0:
            cursor.refuse("a big-endian GGUF: convert it on the machine that wrote it", 4)
        cursor.refuse(f"GGUF version {version}: 2 and 3 are read", 4)
    return version


def _describe(cursor: Cursor, part: GgufPart) -> GgufHeader:
    values, tensors = part.metadata, part.tensors
    architecture = _text(cursor, values, "general.architecture")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", architecture):
        cursor.refuse("general.architecture is missing or no plain name")
    context = _integer(cursor, values, f"{architecture}.context_length", 0)
    if not 0 < context < 2**31:
        cursor.refuse(f"{architecture}.context_length is {context}: no language model")
    tokens = values.get(_TOKENS)
    if not isinstance(tokens, Skipped) or not 0 < tokens.count < 2**31:
        cursor.refuse(f"{_TOKENS} is missing or empty: no language model")
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        array = values.get(key)
        if array is not None and not (isinstance(array, Skipped) and array.count == tokens.count):
            cursor.refuse(f"{key} does not match {tokens.count} tokens")
    return GgufHeader(
        version=part.version,
        architecture=architecture,
        name=_text(cursor, values, "general.name"),
        context_length=context,
        vocabulary=tokens.count,
        quantisation=_quantisation(cursor, values, tensors),
        chat_template=_text(cursor, values, TEMPLATE_KEY),
        bos=_token(cursor, values, "tokenizer.ggml.bos_token_id", tokens.count),
        eos=_token(cursor, values, "tokenizer.ggml.eos_token_id", tokens.count),
        add_bos=_flag(cursor, values, "tokenizer.ggml.add_bos_token"),
        licence=_text(cursor, values, "general.license"),
        licence_link=_text(cursor, values, "general.license.link"),
        metadata=values,
        tensors=tensors,
        tensor_bytes=sum(tensor.size for tensor in tensors),
        data_offset=part.data_offset,
        size=cursor.size,
    )


def _quantisation(cursor: Cursor, values: dict[str, Value], tensors: tuple[Tensor, ...]) -> str:
    """The file type's name; where it has none, the tensor type that takes the most bytes."""
    code = _integer(cursor, values, "general.file_type", -1)
    if code in FILE_TYPES:
        return FILE_TYPES[code]
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.kind] += tensor.size
    return sizes.most_common(1)[0][0]


def _text(cursor: Cursor, values: dict[str, Value], key: str) -> str:
    value = values.get(key, "")
    if isinstance(value, Skipped) and value.kind == "string":
        return ""
    if not isinstance(value, str):
        cursor.refuse(f"{key} is not a string")
    return value


def _integer(cursor: Cursor, values: dict[str, Value], key: str, default: int) -> int:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        cursor.refuse(f"{key} is not an integer")
    return value


def _token(cursor: Cursor, values: dict[str, Value], key: str, vocabulary: int) -> int | None:
    if key not in values:
        return None
    value = _integer(cursor, values, key, 0)
    if not 0 <= value < vocabulary:
        cursor.refuse(f"{key} is {value}, outside the vocabulary of {vocabulary}")
    return value


def _flag(cursor: Cursor, values: dict[str, Value], key: str) -> bool | None:
    value = values.get(key)
    if value is not None and not isinstance(value, bool):
        cursor.refuse(f"{key} is not a bool")
    return value
