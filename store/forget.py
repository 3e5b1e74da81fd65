"""Forgetting a task: its rows, everything that derives from them, and their bytes on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.audit import append_within
from store.database import path_of, write
from store.errors import StoreError, explained
from store.verdicts import hand_on_within

if TYPE_CHECKING:
    from sqlite_utils import Database

_ORPHANED = """
DELETE FROM memo
WHERE key IN (SELECT key FROM memo_tasks WHERE task_id = :task)
  AND key NOT IN (SELECT key FROM memo_tasks WHERE task_id <> :task)
"""

# A command names its task by name or id, and may hold prompts and answers to rows.
_COMMANDS = """
DELETE FROM commands
WHERE json_extract(content, '$.task') IN
  (SELECT name FROM tasks WHERE id = :task UNION SELECT :task)
"""


def forget(db: Database, task_id: str) -> bool:
    """Deletes the task, all that belongs to it and the memo entries that no other task shares.

    Then the file is rewritten without the deleted bytes; calling this again finishes an interrupted
    rewrite. The audit log keeps the ids, and the task's looks go on counting for tasks that share
    its test cases. Returns False where there is no such task. Raises StoreError where another
    process keeps reading the file, so that the bytes cannot be removed yet.
    """
    db.execute("PRAGMA secure_delete = ON").fetchall()
    with write(db):
        db.execute(_ORPHANED, {"task": task_id})
        db.execute(_COMMANDS, {"task": task_id})
        hand_on_within(db, task_id)
        found = bool(db.execute("DELETE FROM tasks WHERE id = ?", (task_id,)).rowcount)
        if found:
            append_within(db, "forget", {"task": task_id})
    with explained(path_of(db)):
        _truncate_wal(db, task_id)
        db.execute("VACUUM")
        _truncate_wal(db, task_id)
    return found


def was_forgotten(db: Database, task_id: str) -> bool:
    """Whether the task was forgotten and has not been added again since."""
    once = "action = 'forget' AND json_extract(subject, '$.task') = ?"
    return bool(
        db.execute(f"SELECT 1 FROM audit WHERE {once}", (task_id,)).fetchone()
        and not db.execute("SELECT 1 FROM tasks WHERE id = ?", (task_id,)).fetchone()
    )


def _truncate_wal(db: Database, task_id: str) -> None:
    busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreError(
            f"{path_of(db)}: the task is forgotten, but another process is reading, so its bytes "
            "are still in the file; close the other windows, then: "
            f"strop task remove {task_id} --yes"
        )
