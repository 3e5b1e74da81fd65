"""Runs and their finished evaluations. What a run is given at its creation never changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from store.commands import settle_within
from store.database import now, write
from store.errors import StoreError
from store.events import append_within
from store.records import EvaluationRecord, RunRecord
from store.sql import by_prefix, insert, pages, select

if TYPE_CHECKING:
    from sqlite_utils import Database

CHANGING = ("best_prompt", "stage", "started_at", "finished_at")
"""What ``update`` may set. ``set_status`` sets the status and ``spent`` follows the journal; the
rest is frozen."""


def create(
    db: Database,
    *,
    id: str,
    task_id: str,
    inputs: str,
    seed_prompt: str,
    budget: float,
    status: str,
    stage: str = "",
    plan: str = "",
    command: int | None = None,
) -> None:
    """Creates a run with frozen ``inputs`` (JSON) and a ``budget`` in cost units.

    One write stores the run, its ``plan`` event (JSON) and the answer to the open ``command`` that
    asked for it, where they are given. Raises sqlite3.IntegrityError where the id is taken or the
    task lacks the seed prompt.
    """
    run = RunRecord(
        id=id,
        task_id=task_id,
        status=status,
        inputs=inputs,
        seed_prompt=seed_prompt,
        best_prompt=None,
        stage=stage,
        spent=0.0,
        budget=budget,
        error=None,
        created_at=now(),
        started_at=None,
        finished_at=None,
    )
    with write(db):
        insert(db, "runs", msgspec.structs.asdict(run))
        if plan:
            append_within(db, "plan", plan, id)
        if command is not None:
            settle_within(db, command, msgspec.json.encode({"run": id}).decode())


def get(db: Database, id_prefix: str) -> RunRecord | None:
    """The run with this id, or with the only id that begins so; StoreError where several do."""
    return by_prefix(db, RunRecord, "runs", id_prefix)


def all(db: Database) -> list[RunRecord]:
    """All runs, newest first."""
    return select(db, RunRecord, "runs", "ORDER BY created_at DESC, id DESC")


def oldest(db: Database, statuses: Sequence[str]) -> RunRecord | None:
    """The oldest run with one of the ``statuses``."""
    marks = ", ".join("?" * len(statuses))
    first = f"WHERE status IN ({marks}) ORDER BY created_at, id LIMIT 1"
    return next(iter(select(db, RunRecord, "runs", first, statuses)), None)


def update(db: Database, id: str, **fields: Any) -> None:
    """Sets some of ``CHANGING``; StoreError for another field or an unknown run."""
    if frozen := sorted(set(fields) - set(CHANGING)):
        raise StoreError(f"run {id}: {frozen[0]} cannot be set; can be: {', '.join(CHANGING)}")
    changes = ", ".join(f"{name} = :{name}" for name in fields)
    with write(db):
        if (
            fields
            and not db.execute(
                f"UPDATE runs SET {changes} WHERE id = :id", {"id": id, **fields}
            ).rowcount
        ):
            raise StoreError(f"there is no run {id}")


def set_status(db: Database, id: str, status: str, error: str | None = None) -> None:
    """Sets the status and the error that led to it, and adds a ``status`` event for followers."""
    with write(db):
        set_status_within(db, id, status, error)


def set_status_within(db: Database, id: str, status: str, error: str | None = None) -> None:
    """``set_status`` inside the caller's write."""
    db.execute("UPDATE runs SET status = ?, error = ? WHERE id = ?", (status, error, id))
    content = {"status": status} | ({"error": error} if error else {})
    append_within(db, "status", msgspec.json.encode(content).decode(), id)


def add_evaluation(db: Database, evaluation: EvaluationRecord) -> None:
    """Adds an evaluation; idempotent by run and sequence number, as a resumed run repeats it."""
    with write(db):
        insert(db, "evaluations", msgspec.structs.asdict(evaluation), "ON CONFLICT DO NOTHING")


def evaluations(db: Database, run_id: str) -> list[EvaluationRecord]:
    return select(db, EvaluationRecord, "evaluations", "WHERE run_id = ? ORDER BY seq", (run_id,))


def evaluations_since(db: Database, run_id: str, seq: int) -> Iterator[EvaluationRecord]:
    """A run's evaluations after number ``seq`` (-1 for all), a page at a time."""
    return pages(db, EvaluationRecord, "evaluations", "run_id = ?", (run_id,), "seq", seq)
