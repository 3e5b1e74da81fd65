"""A run's own ordered record: every call with its reply and cost, and every user command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from store.database import write
from store.errors import StoreError
from store.memo import put_within
from store.records import Entry
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
    """Commits one entry whole: the entry, the run's new total ``spent``, and the memo.

    ``seq`` counts from 0 without holes; StoreError for any other. The reply enters the memo under
    ``key`` where ``memo_tasks`` names the tasks that it derives from.
    """
    with write(db):
        following = db.execute(
            "SELECT coalesce(max(seq), -1) + 1 FROM journal WHERE run_id = ?", (run_id,)
        ).fetchone()[0]
        if seq != following:
            raise StoreError(f"the journal of run {run_id} goes on with {following}, not {seq}")
        entry = {"seq": seq, "kind": kind, "key": key, "request": request, "reply": reply}
        insert(db, "journal", {"run_id": run_id, **entry, "cost": cost})
        put_within(db, key, reply, memo_tasks)
        db.execute("UPDATE runs SET spent = ? WHERE id = ?", (spent, run_id))


def entries(db: Database, run_id: str) -> Iterator[Entry]:
    """In order, a page at a time."""
    return pages(db, Entry, "journal", "run_id = ?", (run_id,), "seq")
