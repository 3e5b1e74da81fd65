"""Replies by content hash, shared between runs, each linked to the tasks it derives from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from store.database import now, write

if TYPE_CHECKING:
    from sqlite_utils import Database


def get(db: Database, key: str) -> bytes | None:
    """The reply, or None. A read counts as use only once ``journal.record`` copies it into a
    run."""
    found = db.execute("SELECT reply FROM memo WHERE key = ?", (key,)).fetchone()
    return None if found is None else bytes(found[0])


def put_within(db: Database, key: str, reply: bytes, task_ids: Iterable[str]) -> None:
    """Keeps the reply for these tasks, or marks it as used just now, inside the caller's write."""
    links = [(key, task_id) for task_id in task_ids]
    if not links:
        return
    db.execute(
        "INSERT INTO memo (key, reply, used_at) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET used_at = excluded.used_at",
        (key, reply, now()),
    )
    db.conn.executemany(
        "INSERT INTO memo_tasks (key, task_id) VALUES (?, ?) ON CONFLICT DO NOTHING", links
    )


def bound(db: Database, megabytes: float) -> int:
    """Evicts the least recently used replies until the rest fit into ``megabytes`` (10^6 bytes
    each); returns how many were evicted."""
    with write(db):
        return db.execute(
            "DELETE FROM memo WHERE key IN (SELECT key FROM ("
            "SELECT key, sum(length(reply)) OVER (ORDER BY used_at DESC, key) AS total FROM memo"
            ") WHERE total > ?)",
            (int(megabytes * 1_000_000),),
        ).rowcount
