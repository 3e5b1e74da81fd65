"""Compares what is stored of tasks and prompts with the ids that are hashes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from appliance.data.records import damaged, prompt_in, task_in
from appliance.data.tasks import ALTERED, every_row, identity, load
from appliance.errors import DamagedError
from store import prompts, tasks

if TYPE_CHECKING:
    from sqlite_utils import Database

    from store.records import TaskRecord


def damage(db: Database) -> Iterator[DamagedError]:
    """Yields the first fault of each task and the fault of each prompt. It reads every row."""
    for task in tasks.all(db):
        try:
            _check(db, task)
        except DamagedError as error:
            yield error
    for prompt in prompts.all(db):
        try:
            prompt_in(prompt)
        except DamagedError as error:
            yield error


def _check(db: Database, task: TaskRecord) -> None:
    load(db, task.id)
    for _ in every_row(db, task.id):
        pass
    rows = (row.content for row in tasks.rows(db, task.id))
    same = identity(task.content, task.split_hash, rows) == task.id
    if not same or not _may_have_its_name(task):
        raise damaged(f"task {task.name}", ALTERED)


def _may_have_its_name(task: TaskRecord) -> bool:
    """Whether it has the name that it was imported with, or the one that it is kept under since
    rows were added to it (which may be done again)."""
    named, kept = task_in(task).task.name, f"@{task.id[:8]}"
    suffix = task.name.removeprefix(named)
    return task.name.startswith(named) and suffix == kept * suffix.count(kept)
