"""What a run's events come to, and the line that tells of each."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

from appliance.cli import figures
from appliance.statistics.metrics import NAMES

RECENT = 5


class Progress:
    """The state of a run as its events tell it, in the order they happened."""

    def __init__(self) -> None:
        self.stage = "prepare"
        self.spent = 0.0
        self.budget = 0.0
        self.outcomes: Counter[str] = Counter()
        self.best: dict[str, Any] | None = None
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
        self._ends_at: float | None = None

    @property
    def tried(self) -> int:
        return self.outcomes.total()

    @property
    def share(self) -> float:
        """Of the budget that is spent, from 0 to 1."""
        return min(self.spent / self.budget, 1.0) if self.budget else 0.0

    @property
    def left(self) -> float | None:
        """Seconds, by the last report and the clock since."""
        return None if self._ends_at is None else max(self._ends_at - time.monotonic(), 0.0)

    def apply(self, kind: str, body: dict[str, Any]) -> str | None:
        """Takes an event in; the line that tells of it, None where it is worth none."""
        match kind:
            case "note" | "plan":
                return str(body["text"])
            case "stage":
                self.stage = body["stage"]
                return f"stage: {self.stage}"
            case "status" if body.get("error"):
                return f"{body['status']}: {body['error']}"
            case "status":
                return str(body["status"])
            case "candidate":
                self.outcomes[body["outcome"]] += 1
                self.recent.append(body)
                return f"{self._when()}candidate {self.tried}: {candidate(body)}"
            case "best":
                self.best = body
                return f"{self._when()}best so far: {body['prompt']}, {measured(body)}"
            case "progress":
                self.spent, self.budget = body["spent"], body["budget"]
                self._ends_at = time.monotonic() + body["left_s"]
        return None

    def _when(self) -> str:
        if self.left is None:
            return ""
        return f"[{self.share:4.0%}, {figures.duration(self.left)} left] "


def candidate(body: dict[str, Any]) -> str:
    where = f" on {body['section']}" if body["section"] else ""
    return f"{body['operator']}{where}: {body['outcome']}, {measured(body)}"


def measured(body: dict[str, Any]) -> str:
    low, high = body["interval"]
    figure = figures.estimate(body["value"], low, high, body["n"])
    return f"{NAMES[body['metric']]} {figure}, loss {body['loss']:.3f}"
