"""What each operator did to each section on each kind of task and model, until forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from store.database import write
from store.records import ExperienceRecord
from store.sql import insert, select

if TYPE_CHECKING:
    from sqlite_utils import Database


def add(db: Database, experience: ExperienceRecord) -> None:
    """Idempotent by run and sequence number: a resumed run says the same again."""
    with write(db):
        insert(db, "experience", msgspec.structs.asdict(experience), "ON CONFLICT DO NOTHING")


def all(db: Database, kind: str | None = None, model: str | None = None) -> list[ExperienceRecord]:
    """In the order it was made; of one kind of task and one model, where given."""
    where = "WHERE kind = coalesce(?, kind) AND model = coalesce(?, model) ORDER BY id"
    return select(db, ExperienceRecord, "experience", where, (kind, model))
