"""What a window knows of one run."""

from __future__ import annotations

from collections import deque

import msgspec

from appliance.prompts.prompt import Prompt
from appliance.prompts.show import plain
from appliance.statistics.metrics import NAMES
from appliance.task import Metric
from appliance.verdict.verdict import Verdict
from store.records import EvaluationRecord, EventRecord

SHOWN = 200
"""Candidates in the table."""


class Inputs(msgspec.Struct, frozen=True):
    """Of a run's frozen inputs, what is shown; ``verdict_cost`` comes on top of the budget."""

    model: str
    seed: int
    verdict_cost: float


class Candidate(msgspec.Struct, frozen=True):
    """``value`` is by the task's metric, with its 95 % interval; one that could not be scored has
    no figures."""

    prompt: str
    operator: str
    section: str
    outcome: str
    metric: Metric = "accuracy"
    value: float | None = None
    interval: tuple[float, float] = (0.0, 1.0)
    loss: float | None = None
    n: int = 0


class Best(msgspec.Struct, frozen=True):
    prompt: str
    value: float
    n: int


class Told(msgspec.Struct, frozen=True):
    """A verdict, and which look at its task's test split it took."""

    verdict: Verdict
    look: int


class RunView:
    """Grows by events and evaluations as they are read, each of them once and in order. ``measure``
    is the name of what its figures are figures of."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.measure = "score"
        self.last_seq = -1
        self.evaluations: list[EvaluationRecord] = []
        self.candidates: deque[Candidate] = deque(maxlen=SHOWN)
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

    def apply(self, event: EventRecord) -> None:
        match event.kind:
            case "candidate":
                self.candidates.append(msgspec.json.decode(event.body, type=Candidate))
                self.measure = NAMES[self.candidates[-1].metric]
                self.candidates_seen += 1
            case "best":
                self.bests.append(msgspec.json.decode(event.body, type=Best))
            case "note":
                self.note = msgspec.json.decode(event.body)["text"]
            case "plan":
                self.plan = msgspec.json.decode(event.body)["text"]

    def add(self, evaluation: EvaluationRecord) -> None:
        """Keeps those on the tuning split: on other cases a figure is no point of the curve."""
        self.last_seq = evaluation.seq
        if evaluation.split != "tuning":
            return
        self.evaluations.append(evaluation)
        self._reached[evaluation.prompt_id, evaluation.n] = evaluation.spent

    def best_so_far(self) -> list[tuple[float, float]]:
        """``[(spent, value), ...]`` of what the run itself called its best.

        No maximum over the evaluations: a lucky candidate that was dropped after a few cases has
        the highest of them.
        """
        return [
            (self._reached[best.prompt, best.n], best.value)
            for best in self.bests
            if (best.prompt, best.n) in self._reached
        ]

    def show_prompt(self, prompt_id: str, body: str) -> None:
        self.prompt_id = prompt_id
        self.prompt_text = plain(msgspec.json.decode(body, type=Prompt))
