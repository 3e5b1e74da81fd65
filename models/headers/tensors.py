"""The tensor infos of a GGUF header, and where the tensors must lie."""

from __future__ import annotations

import struct
from collections import Counter

import msgspec

from models.headers.bounded import Cursor
from models.headers.ggml import TENSOR_TYPES
from models.headers.keyvalues import read_string

MAX_TENSORS = 65_536
MAX_TENSOR_NAME = 63
MAX_DIMENSIONS = 4
MAX_ELEMENTS = 2**63 - 1

_U32 = struct.Struct("<I")


class Tensor(msgspec.Struct, frozen=True):
    """``offset`` counts from the start of the tensor data; ``size`` is in bytes."""

    name: str
    kind: str
    shape: tuple[int, ...]
    offset: int
    size: int


def read_tensors(cursor: Cursor, count: int) -> tuple[Tensor, ...]:
    if not 0 < count <= MAX_TENSORS:
        cursor.refuse(f"{count} tensors: a model has 1 to {MAX_TENSORS}")
    tensors = tuple(_read_tensor(cursor) for _ in range(count))
    name, uses = Counter(tensor.name for tensor in tensors).most_common(1)[0]
    if uses > 1:
        cursor.refuse(f"duplicate tensor {name!r}")
    return tensors


def _read_tensor(cursor: Cursor) -> Tensor:
    start = cursor.offset
    name = read_string(cursor, MAX_TENSOR_NAME, "a tensor name")
    dimensions = cursor.unpack(_U32, "a tensor's number of dimensions")
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        cursor.refuse(f"tensor {name!r} has {dimensions} dimensions, not 1 to 4", start)
    shape = tuple(cursor.u64("a dimension") for _ in range(dimensions))
    elements = 1
    for length in shape:
        elements *= length
    if not 0 < elements <= MAX_ELEMENTS:
        cursor.refuse(
            f"tensor {name!r} of shape {shape}: dimensions are above 0, their product below 2^63",
            start,
        )
    code = cursor.unpack(_U32, "a tensor type")
    if code not in TENSOR_TYPES:
        cursor.refuse(f"tensor {name!r} has the unknown type {code}", start)
    layout = TENSOR_TYPES[code]
    if shape[0] % layout.block:
        cursor.refuse(
            f"tensor {name!r}: rows of {shape[0]} are no whole blocks of {layout.name}", start
        )
    offset = cursor.u64("a tensor offset")
    return Tensor(name, layout.name, shape, offset, elements // layout.block * layout.size)


def check_layout(
    cursor: Cursor, tensors: tuple[Tensor, ...], alignment: int, data_offset: int
) -> None:
    """Checks that tensors stand in the order of their infos, each at the aligned end of the
    last."""
    expected = 0
    for tensor in tensors:
        if tensor.offset % alignment:
            cursor.refuse(f"tensor {tensor.name!r}: offset {tensor.offset} is not aligned")
        if tensor.offset != expected:
            cursor.refuse(
                f"tensor {tensor.name!r}: offset {tensor.offset} where {expected} follows: "
                "tensors overlap, leave a hole or do not ascend"
            )
        end = data_offset + tensor.offset + tensor.size
        if end > cursor.size:
            cursor.refuse(
                f"truncated: tensor {tensor.name!r} ends at {end}, the file at {cursor.size}"
            )
        expected = align(tensor.offset + tensor.size, alignment)


def align(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
