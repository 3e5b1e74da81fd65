"""Verdicts, and every look at a task's test split that one took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.audit import append_within
from store.database import now, write
from store.records import LookRecord, VerdictRecord
from store.sql import insert, select

if TYPE_CHECKING:
    from sqlite_utils import Database


def record(db: Database, *, run_id: str, task_id: str, body: str) -> int:
    """Commits the verdict (JSON), its look and its audit entry; returns the look's number, from 1.

    A run has one verdict: where it has one already the first stands, with its look.
    """
    with write(db):
        if made := select(db, LookRecord, "looks", "WHERE run_id = ? ORDER BY number", (run_id,)):
            return made[0].number
        number = len(looks(db, task_id)) + 1
        verdict = {"run_id": run_id, "task_id": task_id, "body": body, "created_at": now()}
        insert(db, "verdicts", verdict)
        look = {"task_id": task_id, "number": number, "run_id": run_id, "at": now()}
        insert(db, "looks", look)
        append_within(db, "look", {"task": task_id, "run": run_id})
    return number


def get(db: Database, run_id: str) -> VerdictRecord | None:
    return next(iter(select(db, VerdictRecord, "verdicts", "WHERE run_id = ?", (run_id,))), None)


def looks(db: Database, task_id: str) -> list[LookRecord]:
    """In order."""
    return select(db, LookRecord, "looks", "WHERE task_id = ? ORDER BY number", (task_id,))
