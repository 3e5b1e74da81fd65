"""Runs and their finished evaluations. What a run was given never changes once created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from store.database import now, write
from store.errors import StoreError
from store.records import EvaluationRecord, RunRecord
from store.sql import by_prefix, insert, select

if TYPE_CHECKING:
    from sqlite_utils import Database

CHANGING = ("status", "best_prompt", "stage", "error", "started_at", "finished_at")
"""What ``update`` may set; ``spent`` follows the journal, the rest is frozen."""


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
) -> None:
    """A new run with frozen ``inputs`` (JSON) and a ``budget`` in cost units.

    Raises sqlite3.IntegrityError where the id is taken or the task lacks the seed prompt.
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


def get(db: Database, id_prefix: str) -> RunRecord | None:
    """By id or by its unique beginning; StoreError where several begin so."""
    return by_prefix(db, RunRecord, "runs", id_prefix)


def all(db: Database) -> list[RunRecord]:
    """Newest first."""
    return select(db, RunRecord, "runs", "ORDER BY created_at DESC, id DESC")


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


def add_evaluation(db: Database, evaluation: EvaluationRecord) -> None:
    """Idempotent by run and sequence number: a resumed run says the same again."""
    with write(db):
        insert(db, "evaluations", msgspec.structs.asdict(evaluation), "ON CONFLICT DO NOTHING")


def evaluations(db: Database, run_id: str) -> list[EvaluationRecord]:
    return select(db, EvaluationRecord, "evaluations", "WHERE run_id = ? ORDER BY seq", (run_id,))
