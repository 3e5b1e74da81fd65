"""Tasks with their labelled rows and their cases. A task's content never changes once added; its
name may pass to a later task."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from store.database import now, write
from store.errors import NameTakenError, StoreError
from store.records import CaseRecord, Counts, RowRecord, SkippedRecord, Split, TaskRecord
from store.sql import insert, pages, select

if TYPE_CHECKING:
    from sqlite_utils import Database


def add(
    db: Database,
    *,
    id: str,
    name: str,
    content: str,
    split_hash: str,
    rows: Iterable[RowRecord],
    cases: Iterable[CaseRecord],
    skipped: Iterable[SkippedRecord] = (),
    in_place_of: str | None = None,
) -> bool:
    """Adds the whole task or nothing. All iterables are read once and keep their order.

    The task ``in_place_of`` (an id) is kept under another name, so that the new one can have its
    name. Returns False where a task of this id exists already. Raises NameTakenError where another
    task has the name, and StoreError where there is no task ``in_place_of``.
    """
    with write(db):
        if db.execute("SELECT 1 FROM tasks WHERE id = ?", (id,)).fetchone():
            return False
        if in_place_of is not None:
            _step_aside(db, in_place_of)
        if other := db.execute("SELECT id FROM tasks WHERE name = ?", (name,)).fetchone():
            raise NameTakenError(
                f"task {name!r} is there already with other content ({other[0]}, the new one is "
                f"{id}); choose another name"
            )
        task = TaskRecord(id, name, content, split_hash, now())
        insert(db, "tasks", msgspec.structs.asdict(task))
        db.conn.executemany(
            "INSERT INTO rows (task_id, id, position, may_ship, content) VALUES (?, ?, ?, ?, ?)",
            (
                (id, row.id, position, row.may_ship, row.content)
                for position, row in enumerate(rows)
            ),
        )
        db.conn.executemany(
            "INSERT INTO cases (task_id, id, split, position, content) VALUES (?, ?, ?, ?, ?)",
            ((id, case.id, case.split, place, case.content) for place, case in enumerate(cases)),
        )
        db.conn.executemany(
            "INSERT INTO skipped (task_id, position, place, what) VALUES (?, ?, ?, ?)",
            ((id, position, row.place, row.what) for position, row in enumerate(skipped)),
        )
    return True


def _step_aside(db: Database, id: str) -> None:
    """Renames a task to its name, @ and the beginning of its id. Commands that name it follow, so
    that they mean the same task, and are forgotten with it."""
    if (task := get(db, id)) is None:
        raise StoreError(f"task {id} was removed meanwhile; nothing was added to it")
    kept = f"{task.name}@{id[:8]}"
    if get(db, kept):
        raise NameTakenError(
            f"the name {kept!r}, which {task.name!r} would be kept by, is taken; remove the task "
            "that has it"
        )
    db.execute("UPDATE tasks SET name = ? WHERE id = ?", (kept, id))
    db.execute(
        "UPDATE commands SET content = json_set(content, '$.task', ?) "
        "WHERE json_extract(content, '$.task') = ?",
        (kept, task.name),
    )


def get(db: Database, name_or_id: str) -> TaskRecord | None:
    """The task with this name, else with this id."""
    where = "WHERE name = ?1 OR id = ?1 ORDER BY name = ?1 DESC LIMIT 1"
    return next(iter(select(db, TaskRecord, "tasks", where, (name_or_id,))), None)


def all(db: Database) -> list[TaskRecord]:
    """All tasks, oldest first."""
    return select(db, TaskRecord, "tasks", "ORDER BY created_at, id")


def rows(db: Database, task_id: str, ids: Collection[str] | None = None) -> Iterator[RowRecord]:
    """The rows in the order in which they were added; only those of ``ids`` if given."""
    where, values = "task_id = ?", [task_id]
    if ids is not None:
        where += " AND id IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(list(ids)))
    return pages(db, RowRecord, "rows", where, values, "position")


def cases(db: Database, task_id: str, split: Split) -> Iterator[CaseRecord]:
    """The cases of one split, in the order in which they were added."""
    return pages(db, CaseRecord, "cases", "task_id = ? AND split = ?", (task_id, split), "position")


def skipped(db: Database, task_id: str) -> Iterator[SkippedRecord]:
    """The rows of the file that were left out, in the file's order."""
    return pages(db, SkippedRecord, "skipped", "task_id = ?", (task_id,), "position")


def counts(db: Database, task_id: str) -> Counts:
    total, may_ship = db.execute(
        "SELECT count(*), coalesce(sum(may_ship), 0) FROM rows WHERE task_id = ?", (task_id,)
    ).fetchone()
    splits = dict(
        db.execute("SELECT split, count(*) FROM cases WHERE task_id = ? GROUP BY split", (task_id,))
    )
    tuning, selection, test = (splits.get(name, 0) for name in ("tuning", "selection", "test"))
    [left_out] = db.execute("SELECT count(*) FROM skipped WHERE task_id = ?", (task_id,)).fetchone()
    return Counts(total, may_ship, tuning, selection, test, left_out)
