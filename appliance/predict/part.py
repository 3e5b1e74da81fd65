"""The output of a prediction until it is complete: a file beside the one that it becomes.

It is named after its inputs, so that the same prediction, started again, finds it and goes on.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from appliance.errors import RetryableError
from appliance.files import refused
from appliance.predict.lines import Lines, record_ends
from appliance.predict.rows import BLOCK
from models.catalog import is_open


class Part:
    """What is there of an output: ``blocks`` is how many blocks of rows."""

    def __init__(self, file: BinaryIO, blocks: int) -> None:
        self.blocks = blocks
        self._file = file

    def add(self, rows: Sequence[str]) -> None:
        """Appends a block."""
        self._file.write("".join(rows).encode())
        self._file.flush()
        self.blocks += 1


def check_output(output: Path) -> None:
    """Raises InputError where no new file can be written."""
    if output.exists():
        raise refused(output, "is there already; remove it, or give another --output")
    if not output.parent.is_dir():
        raise refused(output, "its folder does not exist; make it, or give another --output")


@contextmanager
def unfinished(output: Path, identity: str, lines: Lines) -> Iterator[Part]:
    """Yields the part of ``output`` that has this identity, cut back to whole blocks; renames it to
    ``output`` at the end. After an error the part stays, if there is a block in it.

    Only its owner can read it. Raises InputError where the output is there already or cannot be
    written, and RetryableError where another process writes it.
    """
    path = output.with_name(f".{output.name}.{identity}.part")
    with _locked(path, output) as file:
        # Whoever held the lock before may have finished it.
        check_output(output)
        part = Part(file, _cut(file, lines))
        try:
            yield part
        except BaseException:
            if not part.blocks:
                path.unlink()
            raise
        os.fsync(file.fileno())
        check_output(output)
        path.rename(output)


@contextmanager
def _locked(path: Path, output: Path) -> Iterator[BinaryIO]:
    while True:
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+b")
        except OSError as error:
            what = f"cannot be written ({error.strerror}); check the folder and its permissions"
            raise refused(output, what) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RetryableError(f"{output}: another process is writing it") from None
            if is_open(path, file):
                yield file
                return


def _cut(file: BinaryIO, lines: Lines) -> int:
    """Cuts the file back to its header and whole blocks, and returns how many blocks there are."""
    file.seek(0)
    header = lines.header.encode()
    whole, blocks = 0, 0
    for number, end in enumerate(record_ends(file, lines.layout), 0 if header else 1):
        if number % BLOCK == 0:
            whole, blocks = end, number // BLOCK
    file.truncate(whole)
    if not whole:
        file.write(header)
        file.flush()
    return blocks
