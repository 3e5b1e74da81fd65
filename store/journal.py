"""A run's own ordered record: every call with its reply and cost, and every user command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from store.commands import settle_within
from store.database import write
from store.errors import StoreError
from store.memo import put_within
from store.records import Entry
from store.runs import set_status_within
from store.sql import insert, pages

if TYPE_CHECKING:
    from sqlite_utils import Database


def record(
    db: Database,
    run_id: str,
    seq: int,
    *,
    kind: str,
    key: str,
    request: bytes,
    reply: bytes,
    cost: float,
    spent: float,
    memo_tasks: Iterable[str] = (),
) -> None:
    """Commits one entry in one write: the entry, the run's new total ``spent``, and the memo.

    ``seq`` counts from 0 without holes; StoreError is raised for any other. The reply is also kept
    in the memo under ``key`` where ``memo_tasks`` names the tasks that it derives from.
    """
    with write(db):
        following = _following(db, run_id)
        if seq != following:
            raise StoreError(f"the journal of run {run_id} goes on with {following}, not {seq}")
        entry = Entry(seq, kind, key, request, reply, cost)
        insert(db, "journal", {"run_id": run_id, **msgspec.structs.asdict(entry)})
        put_within(db, key, reply, memo_tasks)
        db.execute("UPDATE runs SET spent = ? WHERE id = ?", (spent, run_id))


def obey(db: Database, run_id: str, command: int, kind: str, status: str | None) -> None:
    """Commits a user command in one write: an entry at the journal's end, the run's new ``status``
    where it gets one, and the answer ``{}`` to the command. Raises StoreError where that is not
    open."""
    with write(db):
        entry = Entry(_following(db, run_id), kind, "", b"", b"", 0.0)
        insert(db, "journal", {"run_id": run_id, **msgspec.structs.asdict(entry)})
        if status:
            set_status_within(db, run_id, status)
        settle_within(db, command, "{}")


def entries(db: Database, run_id: str) -> Iterator[Entry]:
    """The entries in order, read a page at a time."""
    return pages(db, Entry, "journal", "run_id = ?", (run_id,), "seq")


def _following(db: Database, run_id: str) -> int:
    last = "SELECT coalesce(max(seq), -1) + 1 FROM journal WHERE run_id = ?"
    return int(db.execute(last, (run_id,)).fetchone()[0])
