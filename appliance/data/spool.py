"""Sequences that hold no items in memory: they read them from disk or make them on request."""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from io import BufferedRandom
from typing import TYPE_CHECKING, TypeVar, overload

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

    The file disappears with the spool or the process. Raises OSError, which names the folder, where
    the file cannot grow.
    """

    def __init__(self, kind: type[T]) -> None:
        super().__init__(range(0), self._read)
        self._ends = array("Q", [0])
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()

    def append(self, item: T) -> None:
        data = self._encoder.encode(item)
        self._write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._numbers = range(len(self._ends) - 1)

    def __iter__(self) -> Iterator[T]:
        return map(self._read, self._numbers)

    def _read(self, number: int) -> T:
        start, end = self._ends[number], self._ends[number + 1]
        self._write(b"")
        return self._decoder.decode(os.pread(self._file.fileno(), end - start, start))

    def _write(self, data: bytes) -> None:
        """Writes data behind what is there; without any it only empties the buffer."""
        try:
            if data:
                self._file.write(data)
            else:
                self._file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(locations.home())) from None

    @cached_property
    def _file(self) -> BufferedRandom:
        # Rows may be private, and the system's folder for temporary files may be in memory.
        file = tempfile.TemporaryFile(dir=locations.home())  # noqa: SIM115
        # What is still in the buffer is not wanted: a full disk would refuse it once more.
        weakref.finalize(self, file.raw.close)
        return file
