"""The only access to SQLite: ``open`` opens a store, ``write`` is needed to change anything."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from store.errors import StoreError, explained

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x5354524F  # "STRO"
BUSY_SECONDS = 60.0
"""Seconds to wait for a lock: a write of a million rows takes a quarter of a minute."""


def open(path: Path) -> Database:
    """Opens the store at ``path``; creates it (folder 0700, file 0600) or migrates it where needed.

    Raises StoreError for a file that is not SQLite, belongs to another application or was written
    by a newer version, and for a folder or file that cannot be written. None of these is changed,
    nor is its mode. A connection belongs to the thread that opened it.
    """
    try:
        with explained(path):
            _claim(path)
            _refuse_read_only(path)
            return _connect(path)
    except OSError as error:
        raise StoreError(
            f"{path}: the store cannot be created or opened ({error.strerror}); "
            "check the permissions of the folder or choose another path"
        ) from error


@contextmanager
def write(db: Database) -> Iterator[None]:
    """One transaction, begun immediately: the whole block is committed, or nothing is.

    Raises StoreError inside another write, and for a full, read-only, locked or damaged file.
    """
    if db.conn.in_transaction:
        raise StoreError("a write is open on this connection already: finish it first")
    with explained(path_of(db)):
        waited = _begin(db)
        try:
            yield
            db.conn.execute("COMMIT")
        except BaseException:
            # SQLite has ended the transaction by itself after some errors.
            if db.conn.in_transaction:
                db.conn.execute("ROLLBACK")
            raise
    if waited and (tell := cast(_Connection, db.conn).patient):
        tell(waited)


def be_patient(db: Database, tell: Callable[[float], None]) -> None:
    """Lets writes on this connection wait for other processes for as long as it takes. After a
    write that waited longer than ``BUSY_SECONDS``, ``tell`` is called with the seconds."""
    cast(_Connection, db.conn).patient = tell


def path_of(db: Database) -> str:
    return str(db.execute("PRAGMA database_list").fetchone()[2])


def now() -> str:
    """The time now as ISO-8601, UTC, in microseconds, which sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def pragma(db: Database, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


class _Connection(sqlite3.Connection):
    patient: Callable[[float], None] | None = None


def _begin(db: Database) -> float:
    """Begins a write. Returns the seconds that it waited, 0 where these are usual."""
    start, late = time.monotonic(), False
    while True:
        try:
            db.conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            patient = cast(_Connection, db.conn).patient is not None
            if not patient or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            late = True
        else:
            return time.monotonic() - start if late else 0.0


def _refuse_read_only(path: Path) -> None:
    """SQLite would open a file that cannot be written, and leave files beside it that cannot be
    written later either."""
    beside = (path.with_name(f"{path.name}-{kind}") for kind in ("wal", "shm"))
    for place in (path.parent, path, *beside):
        # A file that another process removes between two calls looks read-only to the first look.
        if _looks_read_only(place) and _looks_read_only(place):
            raise StoreError(f"{place}: is read-only; give your user write permission on it")


def _looks_read_only(place: Path) -> bool:
    """Whether a file cannot be written; a file that does not exist can be made."""
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return False
    return not (mode & 0o200 and os.access(place, os.W_OK))


def _claim(path: Path) -> None:
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        # SQLite takes a file of one byte for an empty database and overwrites it. Only the size is
        # checked: to open and close the file here would drop the locks of this process's other
        # connections.
        if 0 < path.stat().st_size < 512:
            raise StoreError(
                f"{path}: it is not a SQLite file; move it away or choose another path"
            ) from None


def _connect(path: Path) -> Database:
    from sqlite_utils import Database

    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, factory=_Connection
    )
    try:
        db = Database(connection, execute_plugins=False, strict=True)
        _refuse_foreign(db, path)
        if stat.S_IMODE(path.stat().st_mode) != 0o600:
            path.chmod(0o600)
        _use_wal(db)
        for setting in ("foreign_keys = ON", "synchronous = FULL"):
            db.execute(f"PRAGMA {setting}").fetchall()
        _migrate(db)
    except BaseException:
        connection.close()
        raise
    return db


def _refuse_foreign(db: Database, path: Path) -> None:
    from store.migrations import SCHEMA

    # The order matters: another process may commit the first schema between two of the reads.
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    owner, version = pragma(db, "application_id"), pragma(db, "user_version")
    if owner != APPLICATION_ID and (owner or tables):
        raise StoreError(f"{path}: belongs to another application; choose another path")
    if owner == APPLICATION_ID and version > SCHEMA:
        raise StoreError(
            f"{path}: written by a newer Strop (schema {version}, this one knows {SCHEMA}); "
            "update Strop or choose another path"
        )


def _use_wal(db: Database) -> None:
    # SQLite does not wait by itself where two processes switch a new file at the same moment.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _migrate(db: Database) -> None:
    from store.migrations import SCHEMA, migrations

    if pragma(db, "user_version") == SCHEMA:
        return
    with write(db):
        migrations.apply(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
