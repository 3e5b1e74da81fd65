"""Joins a model's several GGUF files into one, as llama.cpp's llama-gguf-split --merge does."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import BinaryIO

from models.headers import GgufPart, HeaderError, read_gguf, read_part
from models.headers.ggml import TENSOR_TYPES
from models.headers.tensors import Tensor, align

_numbered = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
_CHUNK = 1 << 20
_CODES = {layout.name: code for code, layout in TENSOR_TYPES.items()}


def parts_of(path: Path) -> list[Path]:
    """The files of the model whose first part is ``path``, in order; ``path`` alone where it is a
    whole model. Raises HeaderError where ``path`` is a later part and where a part is missing."""
    part = read_part(path)
    if part.count == 1:
        return [path]
    named = _numbered.fullmatch(path.name)
    if not named or int(named[3]) != part.count:
        rule = f"one of {part.count} parts, but not named ...-00001-of-{part.count:05}.gguf"
        raise HeaderError(path, rule)
    if part.number != 0 or int(named[2]) != 1:
        raise HeaderError(path, f"part {named[2]} of {part.count}: give the first one")
    files = [
        path.with_name(f"{named[1]}-{number + 1:05}-of-{named[3]}.gguf")
        for number in range(part.count)
    ]
    for file in files:
        if not file.is_file():
            raise HeaderError(file, f"missing: the model has {part.count} parts")
    return files


def join(files: list[Path], target: Path) -> None:
    """Writes the whole model to ``target`` and flushes it to the disk. Raises HeaderError where the
    files are not the parts of one model, in order."""
    parts = [read_part(file) for file in files]
    first = parts[0]
    for number, (file, part) in enumerate(zip(files, parts, strict=True)):
        if (part.number, part.count) != (number, len(files)):
            raise HeaderError(file, f"part {part.number + 1} of {part.count}, not {number + 1}")
        if (part.version, part.total) != (first.version, first.total):
            raise HeaderError(file, "a part of another model")
    tensors = [tensor for part in parts for tensor in part.tensors]
    if len(tensors) != first.total:
        raise HeaderError(files[0], f"{first.total} tensors, its parts have {len(tensors)}")
    with target.open("xb") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(_head(files[0], first, tensors))
        for file, part in zip(files, parts, strict=True):
            with file.open("rb") as source:
                for tensor in part.tensors:
                    _pad(out, first.alignment)
                    source.seek(part.data_offset + tensor.offset)
                    _copy(source, out, tensor.size)
        _pad(out, first.alignment)
        out.flush()
        os.fsync(out.fileno())
    read_gguf(target)


def _head(file: Path, first: GgufPart, tensors: list[Tensor]) -> bytes:
    """The first part's key-values, without those about the split, and the info of every tensor."""
    with file.open("rb") as source:
        values = []
        for key, span in first.spans.items():
            if not key.startswith("split."):
                source.seek(span.start)
                values.append(source.read(len(span)))
    infos, offset = [], 0
    for tensor in tensors:
        name = tensor.name.encode()
        shape = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        place = struct.pack("<IQ", _CODES[tensor.kind], offset)
        infos.append(struct.pack("<Q", len(name)) + name + shape + place)
        offset = align(offset + tensor.size, first.alignment)
    start = b"GGUF" + struct.pack("<IQQ", first.version, len(tensors), len(values))
    return b"".join([start, *values, *infos])


def _pad(out: BinaryIO, alignment: int) -> None:
    out.write(bytes(-out.tell() % alignment))


def _copy(source: BinaryIO, out: BinaryIO, count: int) -> None:
    while count:
        chunk = source.read(min(count, _CHUNK))
        if not chunk:
            raise OSError(f"{source.name} shrank while it was read")
        out.write(chunk)
        count -= len(chunk)
