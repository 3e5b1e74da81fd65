"""The errors of the store, in words that a person can act on."""

from __future__ import annotations

import resource
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


_LIMITED = "the file may not grow further; allow larger files (ulimit -f) and try again"
_CHUNK = 32_768
"""The bytes by which SQLite lets the file of shared memory grow: the largest step of any file."""


class StoreError(Exception):
    """What is wrong, with which file, and what to do about it."""


class NameTakenError(StoreError):
    """The name that a person gave is taken already."""


def in_words(error: sqlite3.Error, path: Path | str) -> str | None:
    """SQLite's error on this file in words; None where a person can do nothing about it (a broken
    constraint is the caller's bug)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR and _is_limited(path):
        return f"{_LIMITED} ({error})"
    return f"{_WORDS[code]} ({error})" if code in _WORDS else None


def _is_limited(path: Path | str) -> bool:
    """Whether the file, or one that SQLite keeps beside it, is as large as this process may make
    it: SQLite does not tell this from an error of the disk."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    files = [Path(f"{path}{kind}") for kind in ("", "-wal", "-shm", "-journal")]
    largest = max((file.stat().st_size for file in files if file.is_file()), default=0)
    return limit != resource.RLIM_INFINITY and largest + _CHUNK > limit


class SettledError(StoreError):
    """The command was settled before: it was withdrawn, or its task was removed."""


@contextmanager
def explained(path: Path | str) -> Iterator[None]:
    """Turns SQLite's errors on this file into StoreError; those without words pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        if what := in_words(error, path):
            raise StoreError(f"{path}: {what}") from error
        raise
