"""Checks that the shapes of an ONNX model's tensors fit their bytes, in the model or beside it."""

from __future__ import annotations

import math
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import msgspec

from models.headers.protobuf import Field, Reader

MAX_TENSORS = 100_000
MAX_DIMENSIONS = 8
MAX_SIZE = 2**40
MAX_NAME = 4096

# Maps TensorProto.DataType to bits per element. Strings have no fixed size.
BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64,
    15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}  # fmt: skip
STRING = 8
_OUTSIDE = 1
_KEYS = {"location", "offset", "length", "checksum"}


class OnnxTensor(msgspec.Struct, frozen=True):
    """``dtype`` is a TensorProto.DataType; ``file`` is empty where the data is in the model."""

    dtype: int
    shape: tuple[int, ...]
    file: str


@dataclass(slots=True)
class _Found:
    """A tensor's fields as they were read, and where the tensor starts."""

    start: int
    name: str = ""
    dtype: int = 0
    shape: list[int] = field(default_factory=list)
    raw: int | None = None
    place: int = 0
    outside: dict[str, str] = field(default_factory=dict)


class Tensors:
    """Reads the tensors of one model. ``files`` maps the files beside the model that hold tensor
    data to their sizes in bytes."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader = reader
        self.folder = folder
        self.files: dict[str, int] = {}
        self._count = 0

    def read(self, message: Field) -> tuple[str, OnnxTensor]:
        self._count += 1
        if self._count > MAX_TENSORS:
            self.reader.cursor.refuse(f"more than {MAX_TENSORS} tensors")
        found = self._fields(message)
        if found.dtype not in BITS and found.dtype != STRING:
            self._refuse(found, f"has an unknown type, {found.dtype}")
        if not all(0 <= size < MAX_SIZE for size in found.shape):
            self._refuse(found, f"has a size that is not from 0 to {MAX_SIZE}")
        needed = -(-math.prod(found.shape) * BITS.get(found.dtype, 0) // 8)
        if found.raw not in (None, needed):
            self._refuse(found, f"needs {needed} bytes by shape and type, it has {found.raw}")
        if found.place not in (0, _OUTSIDE) or bool(found.outside) != (found.place == _OUTSIDE):
            self._refuse(found, "says in two ways where its data is")
        if found.outside:
            self._check_outside(found, needed)
        file = found.outside.get("location", "")
        return found.name, OnnxTensor(found.dtype, tuple(found.shape), file)

    def _fields(self, message: Field) -> _Found:
        reader, found = self.reader, _Found(message.start)
        for part in reader.inside(message, "a tensor"):
            match part.number:
                case 1:
                    found.shape += reader.numbers(part, MAX_DIMENSIONS, "the shape of a tensor")
                case 2:
                    found.dtype = reader.number(part, "the type of a tensor")
                case 8:
                    found.name = reader.text(part, MAX_NAME, "the name of a tensor")
                case 9:
                    found.raw = part.size
                case 13:
                    values = {1: "", 2: ""}
                    for entry in reader.inside(part, "an entry"):
                        if entry.number in values:
                            values[entry.number] = reader.text(entry, MAX_NAME, "an entry")
                    found.outside[values[1]] = values[2]
                case 14:
                    found.place = reader.number(part, "the place of a tensor")
        if len(found.shape) > MAX_DIMENSIONS:
            self._refuse(found, f"has more than {MAX_DIMENSIONS} dimensions")
        return found

    def _check_outside(self, found: _Found, needed: int) -> None:
        """Checks external data (onnx/onnx, docs/ExternalData.md). It refuses what attacks were made
        of: paths, links, keys that name attributes, ranges that the file does not have."""
        if unknown := found.outside.keys() - _KEYS:
            self._refuse(found, f"has external data with an unknown key, {min(unknown)[:80]!r}")
        location = found.outside.get("location", "")
        shown = f"{location[:80]!r}"
        if location in ("", ".", "..") or not set("/\\\0").isdisjoint(location):
            self._refuse(found, f"has external data in {shown}, which is no file of its folder")
        if location not in self.files:
            try:
                there = (self.folder / location).lstat()
            except OSError:
                self._refuse(found, f"has external data in {shown}, which is not there")
            if not stat.S_ISREG(there.st_mode) or there.st_nlink > 1:
                self._refuse(found, f"has external data in {shown}, which is a link or no file")
            self.files[location] = there.st_size
        offset = self._count_of(found, "offset", "0")
        if self._count_of(found, "length", str(needed)) != needed:
            self._refuse(found, f"needs {needed} bytes by shape and type, its range has others")
        if offset + needed > self.files[location]:
            self._refuse(found, f"has external data beyond the end of {shown}")

    def _count_of(self, found: _Found, key: str, usual: str) -> int:
        text = found.outside.get(key, usual)
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self._refuse(found, f"has external data with no number as {key}")
        return int(text)

    def _refuse(self, found: _Found, rule: str) -> NoReturn:
        self.reader.cursor.refuse(f"tensor {found.name[:80]!r} {rule}", found.start)
