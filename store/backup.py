"""A copy of the whole store while it is in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import StoreError, explained

if TYPE_CHECKING:
    from sqlite_utils import Database


def backup(db: Database, target: Path) -> None:
    """Writes a consistent copy (0600) to ``target``, which must not exist; on failure, no copy."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise StoreError(f"{target}: exists already; choose another name") from error
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror})") from error
    try:
        with explained(target), closing(sqlite3.connect(target, isolation_level=None)) as copy:
            db.conn.backup(copy)
    except BaseException:
        target.unlink()
        raise
