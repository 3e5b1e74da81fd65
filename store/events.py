"""What happened, in order, for windows to follow. Events are appended and never edited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from store.database import now, write
from store.records import EventRecord
from store.sql import insert, pages, select

if TYPE_CHECKING:
    from sqlite_utils import Database


def append(
    db: Database, kind: str, content: str, run_id: str | None = None, task_id: str | None = None
) -> None:
    """Adds an event. ``content`` is JSON; an event that holds anything of a task names its run or
    its task, to be forgotten with it."""
    with write(db):
        append_within(db, kind, content, run_id, task_id)


def append_within(
    db: Database, kind: str, content: str, run_id: str | None = None, task_id: str | None = None
) -> None:
    """``append`` inside the caller's write."""
    values = {"kind": kind, "content": content, "run_id": run_id, "task_id": task_id, "at": now()}
    insert(db, "events", values)


def count(db: Database, run_id: str, kinds: Sequence[str]) -> int:
    """The number of events of these kinds that a run has."""
    marks = ", ".join("?" * len(kinds))
    found = db.execute(
        f"SELECT count(*) FROM events WHERE run_id = ? AND kind IN ({marks})", (run_id, *kinds)
    )
    return int(found.fetchone()[0])


def since(db: Database, id: int, run_id: str | None = None) -> Iterator[EventRecord]:
    """The events after event ``id`` (0 for all), a page at a time; of one run only, if given."""
    if run_id is None:
        return pages(db, EventRecord, "events", "1", (), "id", id)
    return pages(db, EventRecord, "events", "run_id = ?", (run_id,), "id", id)


def last(db: Database) -> int:
    """The id of the last event there is, 0 where there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0])


def latest(db: Database, run_id: str, kind: str, until: int, limit: int) -> list[EventRecord]:
    """The last events of this kind that a run has up to event ``until``, in order; ``limit`` at
    most, -1 for all."""
    where = "WHERE run_id = ? AND id <= ? AND kind = ? ORDER BY id DESC LIMIT ?"
    return select(db, EventRecord, "events", where, (run_id, until, kind, limit))[::-1]
