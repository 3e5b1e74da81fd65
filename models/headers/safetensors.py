"""The bounded reader of safetensors headers (huggingface/safetensors, "Format")."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec

from models.headers.bounded import Cursor, open_bounded

# The format allows 100 MB, from which hostile JSON makes gigabytes of objects. 100,000 tensors fit
# into this limit.
MAX_HEADER_BYTES = 16 << 20
MAX_DIMENSIONS = 8
ITEM_SIZES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E5M2": 1,
    "F8_E4M3": 1,
    "F8_E8M0": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "F64": 8,
    "I64": 8,
    "U64": 8,
    "C64": 8,
}


class Entry(msgspec.Struct, frozen=True):
    """One tensor; it takes the bytes [start, end) of the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class SafetensorsHeader(msgspec.Struct, frozen=True):
    """``data_offset`` is where the tensor data starts; ``size`` is that of the file, in bytes."""

    metadata: dict[str, str]
    tensors: dict[str, Entry]
    data_offset: int
    size: int


def read_safetensors(path: Path) -> SafetensorsHeader:
    """The checked header of a safetensors file; raises HeaderError naming the broken rule."""
    with open_bounded(path) as cursor:
        fields = _read_json(cursor)
        metadata = fields.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            cursor.refuse("__metadata__ maps more than strings to strings")
        tensors = {name: _entry(cursor, name, value) for name, value in fields.items()}
        _check_layout(cursor, tensors)
        return SafetensorsHeader(metadata, tensors, cursor.offset, cursor.size)


def _read_json(cursor: Cursor) -> dict[str, Any]:
    length = cursor.u64("the header length")
    if length > MAX_HEADER_BYTES:
        cursor.refuse(f"a header of {length} bytes: more than {MAX_HEADER_BYTES}", 0)
    data = cursor.take(length, "the header")
    if not data.startswith(b"{"):
        cursor.refuse("the header does not start with {", 8)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            cursor.refuse("duplicate key in the header", 8)
        return fields

    try:
        fields: dict[str, Any] = json.loads(data.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        cursor.refuse(f"the header is not JSON: {error}", 8)
    return fields


def _entry(cursor: Cursor, name: str, value: object) -> Entry:
    where = f"tensor {name[:80]!r}"
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        cursor.refuse(f"{where} has other fields than dtype, shape, data_offsets", 8)
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_SIZES:
        cursor.refuse(f"{where} has an unknown dtype", 8)
    if not _counts(shape) or len(shape) > MAX_DIMENSIONS:
        cursor.refuse(f"{where}: the shape is not up to {MAX_DIMENSIONS} sizes", 8)
    if not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        cursor.refuse(f"{where}: data_offsets is no range", 8)
    start, end = offsets
    if math.prod(shape) * ITEM_SIZES[dtype] != end - start:
        cursor.refuse(f"{where}: shape and dtype need other than {end - start} bytes", 8)
    return Entry(dtype, tuple(shape), start, end)


def _counts(values: object) -> bool:
    """Whether this is a list of plain integers from 0 to 2^63 - 1."""
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < 2**63 for value in values
    )


def _check_layout(cursor: Cursor, tensors: dict[str, Entry]) -> None:
    """Checks that the tensors cover the data: no hole, no overlap, nothing after the last."""
    expected = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != expected:
            kind = "a hole" if entry.start > expected else "an overlap"
            cursor.refuse(f"{kind} in the data before tensor {name[:80]!r}", 8)
        expected = entry.end
    if expected != cursor.left:
        cursor.refuse(f"the tensors take {expected} bytes, the file has {cursor.left}")
