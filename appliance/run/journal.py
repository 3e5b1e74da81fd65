"""A run's journal in the store: what is replayed, and where each call and control is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from appliance.evaluate.workbench import Entry, Withdrawn
from appliance.run.states import RESTING
from store import commands, journal, memo
from store.errors import SettledError

if TYPE_CHECKING:
    from sqlite_utils import Database


class StoreJournal:
    """A run's journal in the store, which the workbench reads and writes."""

    def __init__(self, db: Database, run_id: str, task_id: str) -> None:
        self.db = db
        self.run_id = run_id
        self.task_id = task_id
        self.length = 0

    def entries(self) -> Iterator[Entry]:
        for line in journal.entries(self.db, self.run_id):
            self.length = line.seq + 1
            yield Entry(line.kind, line.key, line.request, line.reply, line.cost)

    def append(self, entry: Entry, spent: float) -> None:
        """Writes a call with its reply, or a command with its answer and the run's status. Raises
        Withdrawn where the command was withdrawn meanwhile."""
        if entry.kind == "call":
            journal.record(
                self.db,
                self.run_id,
                self.length,
                kind=entry.kind,
                key=entry.key,
                request=entry.request,
                reply=entry.reply,
                cost=entry.cost,
                spent=spent,
                memo_tasks=(self.task_id,),
            )
        else:
            asked = commands.pending(self.db, self.run_id)
            command = next((each.id for each in asked if each.kind == entry.kind), 0)
            try:
                journal.obey(self.db, self.run_id, command, entry.kind, RESTING.get(entry.kind))
            except SettledError:
                raise Withdrawn from None
        self.length += 1

    def recall(self, key: str) -> bytes | None:
        return memo.get(self.db, key)
