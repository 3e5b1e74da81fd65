"""Verdicts, and the looks at a task's test split that they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.audit import append_within
from store.database import now, write
from store.records import LookRecord, VerdictRecord
from store.sql import insert, select

if TYPE_CHECKING:
    from sqlite_utils import Database


_FOLLOWING = """
SELECT coalesce(max(number), 0) + 1 FROM (
    SELECT task_id, max(number) AS number FROM (
        SELECT task_id, number FROM looks
        UNION ALL SELECT json_extract(subject, '$.task'), json_extract(subject, '$.look') + 0
        FROM audit WHERE action = 'look'
    ) GROUP BY task_id
) AS last WHERE task_id = :task OR EXISTS (
    SELECT 1 FROM cases AS mine CROSS JOIN cases AS other
    WHERE mine.task_id = :task AND mine.split = 'test'
    AND other.task_id = last.task_id AND other.id = mine.id AND other.split = 'test'
)
"""
"""Looks count across tasks, since the same file may have been imported under another name, or
removed and imported again. The audit log outlives a task, whose id is a hash of its name, its
options and its rows. CROSS JOIN keeps the tables in order, so that each case of this task costs one
search by key."""

_SHARING = """
SELECT DISTINCT other.task_id FROM cases AS mine CROSS JOIN cases AS other
WHERE mine.task_id = :task AND mine.split = 'test'
AND other.id = mine.id AND other.split = 'test' AND other.task_id <> :task
ORDER BY other.task_id
"""


def look(db: Database, *, run_id: str, task_id: str) -> int:
    """Commits that the run reads the test split, with an audit entry, and returns the look's
    number. Looks are numbered from 1 over all tasks that share a case of their test splits with
    this one. A run has one look: a resumed run keeps its own."""
    with write(db):
        return _look_within(db, run_id, task_id)


def record(db: Database, *, run_id: str, task_id: str, content: str) -> int:
    """Commits the verdict (JSON), with a look where the run has none yet, and returns the look's
    number. A run has one verdict: a second one is ignored."""
    with write(db):
        number = _look_within(db, run_id, task_id)
        verdict = {"run_id": run_id, "task_id": task_id, "content": content, "created_at": now()}
        insert(db, "verdicts", verdict, "ON CONFLICT DO NOTHING")
    return number


def get(db: Database, run_id: str) -> VerdictRecord | None:
    return next(iter(select(db, VerdictRecord, "verdicts", "WHERE run_id = ?", (run_id,))), None)


def looks(db: Database, task_id: str) -> list[LookRecord]:
    """The looks at this task's test split, in order."""
    return select(db, LookRecord, "looks", "WHERE task_id = ? ORDER BY number", (task_id,))


def sharing(db: Database, task_id: str) -> list[str]:
    """The ids of the other tasks that share a case of their test splits with this one."""
    return [other for (other,) in db.execute(_SHARING, {"task": task_id}).fetchall()]


def hand_on_within(db: Database, task_id: str) -> None:
    """Lets the looks of a task count for the tasks that share a case of their test splits with it,
    inside the write that deletes the task."""
    last = int(db.execute(_FOLLOWING, {"task": task_id}).fetchone()[0]) - 1
    for heir in sharing(db, task_id) if last else ():
        append_within(db, "look", {"task": heir, "look": str(last)})


def _look_within(db: Database, run_id: str, task_id: str) -> int:
    if made := select(db, LookRecord, "looks", "WHERE run_id = ?", (run_id,)):
        return made[0].number
    number = int(db.execute(_FOLLOWING, {"task": task_id}).fetchone()[0])
    insert(db, "looks", {"task_id": task_id, "number": number, "run_id": run_id, "at": now()})
    append_within(db, "look", {"task": task_id, "run": run_id, "look": str(number)})
    return number
