"""What happened, in order, for whoever follows: never edited, only appended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from store.database import now, write
from store.records import EventRecord
from store.sql import insert, pages

if TYPE_CHECKING:
    from sqlite_utils import Database


def append(
    db: Database, kind: str, body: str, run_id: str | None = None, task_id: str | None = None
) -> None:
    """``body`` is JSON; one with content names its run or its task, to be forgotten with it."""
    with write(db):
        append_within(db, kind, body, run_id, task_id)


def append_within(
    db: Database, kind: str, body: str, run_id: str | None = None, task_id: str | None = None
) -> None:
    """``append`` inside the caller's write."""
    values = {"kind": kind, "body": body, "run_id": run_id, "task_id": task_id, "at": now()}
    insert(db, "events", values)


def count(db: Database, run_id: str, kinds: Sequence[str]) -> int:
    """How many events of these kinds a run has."""
    marks = ", ".join("?" * len(kinds))
    found = db.execute(
        f"SELECT count(*) FROM events WHERE run_id = ? AND kind IN ({marks})", (run_id, *kinds)
    )
    return int(found.fetchone()[0])


def since(db: Database, id: int, run_id: str | None = None) -> Iterator[EventRecord]:
    """The events after event ``id`` (0 for all), of one run where given, a page at a time."""
    if run_id is None:
        return pages(db, EventRecord, "events", "1", (), "id", id)
    return pages(db, EventRecord, "events", "run_id = ?", (run_id,), "id", id)
