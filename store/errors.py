"""The errors of the store, in words that a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_READONLY: "it, its folder or a file beside it is read-only; make them writable",
    sqlite3.SQLITE_BUSY: "another process keeps it locked; close it or wait, then try again",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked; close it or wait, then try again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the path is a file you may write",
    sqlite3.SQLITE_IOERR: "the disk reported an error; check the disk, then try again",
    sqlite3.SQLITE_PERM: "access was denied; give your user permission on it",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file; move it away or choose another path",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away, and Strop begins a new one",
}


class StoreError(Exception):
    """What is wrong, with which file, and what to do about it."""


class NameTakenError(StoreError):
    """The name that a person gave is taken already."""


def in_words(error: sqlite3.Error) -> str | None:
    """SQLite's error in words; None where a person can do nothing about it (a broken constraint is
    the caller's bug)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return f"{_WORDS[code]} ({error})" if code in _WORDS else None


class SettledError(StoreError):
    """The command was settled before: it was withdrawn, or its task was removed."""


@contextmanager
def explained(path: Path | str) -> Iterator[None]:
    """Turns SQLite's errors on this file into StoreError; those without words pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        if what := in_words(error):
            raise StoreError(f"{path}: {what}") from error
        raise
