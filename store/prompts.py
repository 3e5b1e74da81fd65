"""Prompts by content address, each with its parent and the rows it derives from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from store.database import now, write
from store.records import PromptRecord
from store.sql import by_prefix, insert, pages, select

if TYPE_CHECKING:
    from sqlite_utils import Database


def add(
    db: Database,
    *,
    id: str,
    task_id: str,
    content: str,
    parent_id: str | None = None,
    operator: str = "",
    section: str = "",
    diff: str = "",
    rows: Iterable[str] = (),
) -> bool:
    """Adds a prompt with the ids of the ``rows`` of its task that it derives from.

    Returns False and changes nothing where the task has this prompt already: its first origin is
    kept.
    """
    prompt = {
        "id": id,
        "task_id": task_id,
        "parent_id": parent_id,
        "operator": operator,
        "section": section,
        "diff": diff,
        "content": content,
        "created_at": now(),
    }
    with write(db):
        if not insert(db, "prompts", prompt, "ON CONFLICT (task_id, id) DO NOTHING"):
            return False
        db.conn.executemany(
            "INSERT INTO prompt_rows (task_id, prompt_id, row_id) VALUES (?, ?, ?)",
            ((task_id, id, row_id) for row_id in dict.fromkeys(rows)),
        )
    return True


def get(db: Database, id_prefix: str) -> PromptRecord | None:
    """The prompt with this id, or with the only id that begins so; StoreError where several do.

    Where several tasks have the prompt, this is its oldest record.
    """
    return by_prefix(db, PromptRecord, "prompts", id_prefix)


def tasks_of(db: Database, id: str) -> list[str]:
    """The ids of the tasks that have this prompt."""
    found = db.execute("SELECT task_id FROM prompts WHERE id = ? ORDER BY created_at", (id,))
    return [row[0] for row in found.fetchall()]


def all(db: Database) -> Iterator[PromptRecord]:
    """Every prompt of every task, a page at a time."""
    return pages(db, PromptRecord, "prompts", "1", (), "rowid")


def lineage(db: Database, task_id: str, id: str) -> list[PromptRecord]:
    """The prompt and its ancestors, oldest first."""
    line: list[PromptRecord] = []
    following: str | None = id
    while following is not None:
        found = select(
            db, PromptRecord, "prompts", "WHERE task_id = ? AND id = ?", (task_id, following)
        )
        if not found:
            break
        line.append(found[0])
        following = found[0].parent_id
    return line[::-1]


def rows(db: Database, task_id: str, id: str) -> list[str]:
    """The ids of the rows that the prompt derives from."""
    found = db.execute(
        "SELECT row_id FROM prompt_rows WHERE task_id = ? AND prompt_id = ? ORDER BY row_id",
        (task_id, id),
    )
    return [row[0] for row in found.fetchall()]
