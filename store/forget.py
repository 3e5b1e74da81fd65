"""Forgetting a task: its rows, everything that derives from them, and their bytes on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.audit import append_within
from store.database import path_of, write
from store.errors import StoreError, explained

if TYPE_CHECKING:
    from sqlite_utils import Database

_ORPHANED = """
DELETE FROM memo
WHERE key IN (SELECT key FROM memo_tasks WHERE task_id = :task)
  AND key NOT IN (SELECT key FROM memo_tasks WHERE task_id <> :task)
"""


def forget(db: Database, task_id: str) -> bool:
    """Deletes the task, all that belongs to it and the memo entries that no other task shares.

    Then the file is rewritten without the deleted bytes; repeating the call finishes an interrupted
    one. The audit log keeps the ids. False where there is no such task. StoreError where another
    process reads the file all the while, so that the bytes cannot go yet.
    """
    db.execute("PRAGMA secure_delete = ON").fetchall()
    with write(db):
        db.execute(_ORPHANED, {"task": task_id})
        found = bool(db.execute("DELETE FROM tasks WHERE id = ?", (task_id,)).rowcount)
        if found:
            append_within(db, "forget", {"task": task_id})
    with explained(path_of(db)):
        _truncate_wal(db)
        db.execute("VACUUM")
        _truncate_wal(db)
    return found


def _truncate_wal(db: Database) -> None:
    busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreError(
            f"{path_of(db)}: the task is forgotten, but another process is reading, so its bytes "
            "are still in the file; close the other windows and forget it again"
        )
