"""What each operator did to each section on each kind of task and model; kept until forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from store.database import write
from store.records import ExperienceRecord, OperatorRecord, WinnerRecord
from store.sql import insert, to_record

if TYPE_CHECKING:
    from sqlite_utils import Database


def add(db: Database, experience: ExperienceRecord) -> None:
    """Adds a record; idempotent by run and sequence number, as a resumed run repeats it."""
    with write(db):
        insert(db, "experience", msgspec.structs.asdict(experience), "ON CONFLICT DO NOTHING")


def summary(db: Database, kind: str, model: str) -> list[OperatorRecord]:
    """What each operator did to each section on a kind of task and a model, over all runs."""
    found = db.execute(
        "SELECT operator, section, count(*), round(avg(gain), 6), round(avg(cost), 3) "
        "FROM experience WHERE kind = ? AND model = ? GROUP BY operator, section "
        "ORDER BY operator, section",
        (kind, model),
    )
    return [to_record(OperatorRecord, row) for row in found.fetchall()]


def winners(db: Database, model: str) -> list[WinnerRecord]:
    """The prompts that a verdict proved better on a model, the newest first."""
    found = db.execute(
        "SELECT runs.task_id, runs.best_prompt FROM verdicts "
        "JOIN runs ON runs.id = verdicts.run_id "
        "WHERE json_extract(verdicts.content, '$.better') "
        "AND json_extract(runs.inputs, '$.model') = ? "
        "ORDER BY verdicts.created_at DESC, runs.id",
        (model,),
    )
    return [to_record(WinnerRecord, row) for row in found.fetchall()]
