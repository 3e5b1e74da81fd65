"""The store as a window follows it: read once, then only what is new."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from appliance.verdict.verdict import Verdict
from store import events, prompts, runs, tasks, verdicts
from store.database import pragma
from store.records import EvaluationRecord, EventRecord, RunRecord
from store.sql import pages, select
from tui.run_view import SHOWN, Inputs, RunView, Told

if TYPE_CHECKING:
    from sqlite_utils import Database

A_TICK = 1000
"""Rows of a kind that one poll reads at most; what is left is for the next."""

LATEST = ("plan", "note")
"""Of these events a run shows the last one."""


class Feed:
    """What the store holds now. A poll where no other process has written costs one pragma."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version = -1
        self._more = False
        self._last_event = int(db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0])
        self._inputs: dict[str, Inputs] = {}
        self.runs: list[RunRecord] = []
        self._tasks: dict[str, str] = {}
        self.verdicts: dict[str, Told] = {}
        self.view: RunView | None = None
        self.preparing = ""
        """The last note of a run that does not exist yet."""

    def poll(self) -> bool:
        """Reads what is new; whether there was anything."""
        version = pragma(self._db, "data_version")
        if version == self._version and not self._more:
            return False
        self._version, self._more = version, False
        self.runs = runs.all(self._db)
        self._read_verdicts()
        self._read_events()
        if self.view is not None:
            self._read_run(self.view)
        return True

    def choose(self, run_id: str | None) -> None:
        """Turns to another run; the next poll reads it."""
        self.view = None if run_id is None else self._past(run_id)
        self._more = True

    def run(self, run_id: str) -> RunRecord | None:
        return next((run for run in self.runs if run.id == run_id), None)

    def inputs(self, run: RunRecord) -> Inputs:
        """They are frozen, so they are read once."""
        if run.id not in self._inputs:
            self._inputs[run.id] = msgspec.json.decode(run.inputs, type=Inputs)
        return self._inputs[run.id]

    def task(self, run: RunRecord) -> str:
        """The name of the run's task."""
        if run.task_id not in self._tasks:
            record = tasks.get(self._db, run.task_id)
            self._tasks[run.task_id] = record.name if record else run.task_id
        return self._tasks[run.task_id]

    def share(self, run: RunRecord) -> float:
        """How much of what it may cost in all is spent, 0 to 1."""
        total = run.budget + self.inputs(run).verdict_cost
        return min(run.spent / total, 1.0) if total else 0.0

    def _read_verdicts(self) -> None:
        for run in self.runs:
            if (
                run.status == "finished"
                and run.id not in self.verdicts
                and (record := verdicts.get(self._db, run.id))
            ):
                looks = verdicts.looks(self._db, run.task_id)
                self.verdicts[run.id] = Told(
                    msgspec.json.decode(record.body, type=Verdict),
                    next(look.number for look in looks if look.run_id == run.id),
                )

    def _read_events(self) -> None:
        new = list(islice(events.since(self._db, self._last_event), A_TICK))
        for event in new:
            self._last_event = event.id
            if self.view is not None and event.run_id == self.view.run_id:
                self.view.apply(event)
            elif event.run_id is None and event.kind == "note":
                self.preparing = msgspec.json.decode(event.body)["text"]
        self._more |= len(new) == A_TICK

    def _read_run(self, view: RunView) -> None:
        of_run, values = "run_id = ?", (view.run_id,)
        following = pages(
            self._db, EvaluationRecord, "evaluations", of_run, values, "seq", view.last_seq
        )
        new = list(islice(following, A_TICK))
        for evaluation in new:
            view.add(evaluation)
        self._more |= len(new) == A_TICK
        run = self.run(view.run_id)
        best = run and (run.best_prompt or view.best_prompt or run.seed_prompt)
        if best and best != view.prompt_id and (record := prompts.get(self._db, best)):
            view.show_prompt(best, record.body)

    def _past(self, run_id: str) -> RunView:
        """The run's events up to the last one read, without reading them all."""
        view = RunView(run_id)
        wanted = [("candidate", SHOWN), ("best", -1), *((kind, 1) for kind in LATEST)]
        found: list[EventRecord] = []
        for kind, limit in wanted:
            where = "WHERE run_id = ? AND id <= ? AND kind = ? ORDER BY id DESC LIMIT ?"
            values = (run_id, self._last_event, kind, limit)
            found += select(self._db, EventRecord, "events", where, values)
        for event in sorted(found, key=lambda event: event.id):
            view.apply(event)
        return view
