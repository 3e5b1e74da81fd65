"""Sequences that hold no items in memory: they read them from disk or make them on request."""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import IO, TYPE_CHECKING, TypeVar, overload

import msgspec

from appliance import locations

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


class Lazy(Sequence[T]):
    """A sequence of ``make(number)`` for each of ``numbers``. Each access calls ``make`` anew."""

    def __init__(
        self, numbers: Sequence[int] | NDArray[np.int64], make: Callable[[int], T]
    ) -> None:
        self._numbers: Sequence[int] | NDArray[np.int64] = numbers
        self._make = make

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self._make(int(number)) for number in self._numbers[at]]
        return self._make(int(self._numbers[at]))


class Spool(Lazy[T]):
    """Items of one type in an unnamed file in the data folder, at 8 bytes of memory an item.

    The file disappears with the spool or the process. Raises OSError where the disk is full.
    """

    def __init__(self, kind: type[T]) -> None:
        super().__init__(range(0), self._read)
        self._ends = array("Q", [0])
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()

    def append(self, item: T) -> None:
        data = self._encoder.encode(item)
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._numbers = range(len(self._ends) - 1)

    def __iter__(self) -> Iterator[T]:
        return map(self._read, self._numbers)

    def _read(self, number: int) -> T:
        start, end = self._ends[number], self._ends[number + 1]
        self._file.flush()
        return self._decoder.decode(os.pread(self._file.fileno(), end - start, start))

    @cached_property
    def _file(self) -> IO[bytes]:
        # Rows may be private, and the system's folder for temporary files may be in memory.
        file = tempfile.TemporaryFile(dir=locations.home())  # noqa: SIM115
        weakref.finalize(self, file.close)
        return file
