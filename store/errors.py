"""What can go wrong with the store, in words a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_READONLY: "the file is readonly; give your user write permission on it",
    sqlite3.SQLITE_BUSY: "another process keeps it locked; close it or wait, then try again",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked; close it or wait, then try again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the path is a file you may write",
    sqlite3.SQLITE_IOERR: "the disk reported an error; check the disk, then try again",
    sqlite3.SQLITE_PERM: "access was denied; give your user permission on it",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file; move it away or choose another path",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away and put a backup in its place",
}


class StoreError(Exception):
    """What is wrong, with which file, and what to do about it."""


@contextmanager
def explained(path: Path | str) -> Iterator[None]:
    """Turns SQLite's errors on this file into StoreError, where there is something to be done.

    The rest (a constraint: the caller's bug) pass as they are.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _WORDS:
            raise StoreError(f"{path}: {_WORDS[code]} ({error})") from error
        raise
