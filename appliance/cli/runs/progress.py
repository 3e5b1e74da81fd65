"""The state that a run's events lead to, and the line that tells of each."""

from __future__ import annotations

import time
from collections import Counter, deque

from appliance.cli import figures
from appliance.run import events
from appliance.run.events import Best, Event, Note, Plan, Stage, StatusChanged, Tried
from appliance.statistics.metrics import NAMES

RECENT = 5


class Progress:
    """The state of a run as its events tell it, in the order they happened."""

    def __init__(self) -> None:
        self.stage = "prepare"
        self.spent = 0.0
        self.budget = 0.0
        self.outcomes: Counter[str] = Counter()
        self.best: Best | None = None
        self.recent: deque[Tried] = deque(maxlen=RECENT)
        self._ends_at: float | None = None

    @property
    def tried(self) -> int:
        return self.outcomes.total()

    @property
    def share(self) -> float:
        """The share of the budget that is spent, from 0 to 1."""
        return min(self.spent / self.budget, 1.0) if self.budget else 0.0

    @property
    def left(self) -> float | None:
        """The seconds that are left, by the last report and the clock since."""
        return None if self._ends_at is None else max(self._ends_at - time.monotonic(), 0.0)

    def apply(self, event: Event) -> str | None:
        """Takes an event in. Returns the line that tells of it, or None where there is no line."""
        match event:
            case Note(text) | Plan(text):
                return text
            case Stage(stage):
                self.stage = stage
                return f"stage: {stage}"
            case StatusChanged(status, error):
                return f"{status}: {error}" if error else status
            case Tried():
                self.outcomes[event.outcome] += 1
                self.recent.append(event)
                return f"{self._when()}candidate {self.tried}: {candidate(event)}"
            case Best():
                self.best = event
                return f"{self._when()}best so far: {event.prompt}, {measured(event)}"
            case events.Progress():
                self.spent, self.budget = event.spent, event.budget
                self._ends_at = time.monotonic() + event.left_s
        return None

    def _when(self) -> str:
        if self.left is None:
            return ""
        return f"[{self.share:4.0%}, {figures.duration(self.left)} left] "


def candidate(tried: Tried) -> str:
    where = f" on {tried.section}" if tried.section else ""
    return f"{tried.operator}{where}: {tried.outcome}, {measured(tried)}"


def measured(best: Best) -> str:
    figure = figures.estimate(best.value, *best.interval, best.n)
    return f"{NAMES[best.metric]} {figure}, loss {best.loss:.3f}"
