"""The store as a window follows it: read once, then only what is new."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from appliance.errors import DamagedError
from appliance.run import read
from appliance.run.events import Note
from tui.run_view import SHOWN, RunView

if TYPE_CHECKING:
    from sqlite_utils import Database

A_TICK = 1000
"""The most rows of a kind that one poll reads; the next poll reads what is left."""

LATEST = {"candidate": SHOWN, "best": -1, "plan": 1, "note": 1}
"""The number of a run's last events of a kind that are shown; -1 means all."""


class Feed:
    """What the store holds now. A poll takes one pragma where no other process has written."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version = -1
        self._more = False
        self._last_event = read.last_event(db)
        self.runs: list[read.Run] = []
        self.damage: list[DamagedError] = []
        """What is wrong with the runs that cannot be read."""
        self.view: RunView | None = None
        self.preparing = ""
        """The last note of a run that does not exist yet."""

    def poll(self) -> bool:
        """Reads what is new, and returns whether there was anything."""
        version = read.version(self._db)
        if version == self._version and not self._more:
            return False
        self._version, self._more = version, False
        self.runs, self.damage = read.all_runs(self._db, known=self.runs)
        self._read_events()
        if self.view is not None:
            self._read_run(self.view)
        return True

    def choose(self, run_id: str | None) -> None:
        """Turns to another run; the next poll reads it."""
        self.view = None if run_id is None else self._past(run_id)
        self._more = True

    def run(self, run_id: str) -> read.Run | None:
        return next((run for run in self.runs if run.id == run_id), None)

    def _read_events(self) -> None:
        new = list(islice(read.events_since(self._db, self._last_event), A_TICK))
        for told in new:
            self._last_event = told.id
            if self.view is not None and told.run_id == self.view.run_id:
                self.view.apply(told.event)
            elif told.run_id is None and isinstance(told.event, Note):
                self.preparing = told.event.text
        self._more |= len(new) == A_TICK

    def _read_run(self, view: RunView) -> None:
        following = read.evaluations_since(self._db, view.run_id, view.last_seq)
        new = list(islice(following, A_TICK))
        for evaluation in new:
            view.add(evaluation)
        self._more |= len(new) == A_TICK
        run = self.run(view.run_id)
        best = run and (run.record.best_prompt or view.best_prompt or run.record.seed_prompt)
        if best and best != view.prompt_id and (text := self._prompt(best)):
            view.show_prompt(best, text)

    def _prompt(self, prompt_id: str) -> str:
        """A prompt as it is read; what is wrong with it where it was altered."""
        try:
            return read.prompt_text(self._db, prompt_id)
        except DamagedError as error:
            return str(error)

    def _past(self, run_id: str) -> RunView:
        """The run's events up to the last one read, without reading them all."""
        view = RunView(run_id)
        for event in read.latest_events(self._db, run_id, self._last_event, LATEST):
            view.apply(event)
        return view
