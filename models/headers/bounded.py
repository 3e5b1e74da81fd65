"""A cursor over a file that never leaves it, and the error that names the broken rule."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

_U64 = struct.Struct("<Q")


class HeaderError(Exception):
    """A model file that is refused; the message names the file, the rule and the byte offset, where
    there is one."""

    def __init__(self, path: Path, rule: str, offset: int | None = None) -> None:
        super().__init__(f"{path}: {rule}" + ("" if offset is None else f" (at byte {offset})"))
        self.path = path
        self.rule = rule
        self.offset = offset


class Cursor:
    """Reads forward through ``file``; asking for more than is left raises HeaderError."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self.path = path
        self.size = os.fstat(file.fileno()).st_size
        self.offset = 0

    @property
    def left(self) -> int:
        return self.size - self.offset

    def refuse(self, rule: str, offset: int | None = None) -> NoReturn:
        raise HeaderError(self.path, rule, self.offset if offset is None else offset)

    def take(self, count: int, what: str) -> bytes:
        if count > self.left:
            self.refuse(f"truncated: {what} needs {count} bytes, {self.left} are left")
        data = self._file.read(count)
        if len(data) < count:
            self.refuse(f"truncated: the file shrank while {what} was read")
        self.offset += count
        return data

    def skip(self, count: int, what: str) -> None:
        if count > self.left:
            self.refuse(f"truncated: {what} needs {count} bytes, {self.left} are left")
        self._file.seek(count, os.SEEK_CUR)
        self.offset += count

    def unpack(self, layout: struct.Struct, what: str) -> Any:
        return layout.unpack(self.take(layout.size, what))[0]

    def u64(self, what: str) -> int:
        return int(self.unpack(_U64, what))


@contextmanager
def open_bounded(path: Path) -> Iterator[Cursor]:
    """A cursor at the start of a regular file; HeaderError where there is none to read."""
    try:
        if not path.is_file():
            raise HeaderError(path, "not a regular file" if path.exists() else "no such file")
        with path.open("rb") as file:
            yield Cursor(file, path)
    except OSError as error:
        raise HeaderError(path, f"cannot be read: {error.strerror}", 0) from error
