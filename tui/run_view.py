"""What a window knows of one run."""

from __future__ import annotations

from collections import deque

from appliance.run.events import Best, Event, Note, Plan, Tried
from appliance.statistics.metrics import NAMES
from store.records import EvaluationRecord

SHOWN = 200
"""The most candidates in the table."""


class RunView:
    """Grows by events and evaluations as they are read, each of them once and in order. ``measure``
    names the metric of its figures."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.measure = "score"
        self.last_seq = -1
        self.evaluations: list[EvaluationRecord] = []
        self.candidates: deque[Tried] = deque(maxlen=SHOWN)
        self.candidates_seen = 0
        self.bests: list[Best] = []
        self.plan = ""
        self.note = ""
        self.prompt_id = ""
        self.prompt_text = ""
        self._reached: dict[tuple[str, int], float] = {}

    @property
    def best_prompt(self) -> str:
        return self.bests[-1].prompt if self.bests else ""

    def apply(self, event: Event) -> None:
        match event:
            case Tried():
                self.candidates.append(event)
                self.measure = NAMES[event.metric]
                self.candidates_seen += 1
            case Best():
                self.bests.append(event)
            case Note(text):
                self.note = text
            case Plan(text):
                self.plan = text

    def add(self, evaluation: EvaluationRecord) -> None:
        """Keeps an evaluation on the tuning split. Figures on other cases are not in the curve."""
        self.last_seq = evaluation.seq
        if evaluation.split != "tuning":
            return
        self.evaluations.append(evaluation)
        self._reached[evaluation.prompt_id, evaluation.n] = evaluation.spent

    def best_so_far(self) -> list[tuple[float, float]]:
        """``[(spent, value), ...]`` of each candidate that the run itself called its best.

        This is no maximum over the evaluations: their highest value is that of a lucky candidate
        that was dropped after a few cases.
        """
        return [
            (self._reached[best.prompt, best.n], best.value)
            for best in self.bests
            if (best.prompt, best.n) in self._reached
        ]

    def show_prompt(self, prompt_id: str, text: str) -> None:
        self.prompt_id, self.prompt_text = prompt_id, text
