"""What each operator did to each section on each kind of task and model; kept until forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from store.database import write
from store.records import ExperienceRecord
from store.sql import insert

if TYPE_CHECKING:
    from sqlite_utils import Database


def add(db: Database, experience: ExperienceRecord) -> None:
    """Adds a record; idempotent by run and sequence number, as a resumed run repeats it."""
    with write(db):
        insert(db, "experience", msgspec.structs.asdict(experience), "ON CONFLICT DO NOTHING")
