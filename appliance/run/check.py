"""Checks that the runs in the store can be read, and are what their verdicts and journals say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from appliance.data.records import damaged
from appliance.errors import DamagedError
from appliance.run.read import all_runs
from models.engine import decode_reply
from store import journal, runs

if TYPE_CHECKING:
    from sqlite_utils import Database


def damage(db: Database) -> Iterator[DamagedError]:
    """Yields what is wrong with each run. It reads every journal."""
    found, damaged_runs = all_runs(db)
    yield from damaged_runs
    for run in found:
        best, shown = run.record.best_prompt, runs.evaluations(db, run.id)
        searching = run.verdict is None and run.record.stage != "verdict"
        if best and searching and all(each.prompt_id != best for each in shown):
            yield damaged(f"run {run.id}", f"it never measured {best}, its best prompt")
        for entry in journal.entries(db, run.id):
            if entry.kind == "call" and not _is_reply(entry.reply):
                yield damaged(f"run {run.id}", f"entry {entry.seq} of its journal is no reply")


def _is_reply(data: bytes) -> bool:
    try:
        decode_reply(data)
    except msgspec.DecodeError:
        return False
    return True
