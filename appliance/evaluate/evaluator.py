"""Prompts on cases: what is asked of the model, and what its replies come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from appliance.encode.renderer import Renderer, Sheet
from appliance.evaluate.cost import writes
from appliance.evaluate.decisions import decisions
from appliance.evaluate.together import evidence_together
from appliance.evaluate.workbench import Workbench
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence
from appliance.scoring.likeness import states_alone
from appliance.scoring.predict import answers_request, outcomes, reason, states
from appliance.task import Case, Example, Task
from models.engine import (
    Choice,
    Generate,
    Generated,
    Hidden,
    Score,
    Scores,
    States,
    digest,
)

BLOCK = 96
"""The most cases that a request of the search holds for one prompt. A crash loses no more than
these, or the first rung of ``TOGETHER`` prompts."""

TOGETHER = 16
"""The most prompts that one request holds."""

SERVED_BLOCK = 128
"""The most cases that a request to the body that will serve holds."""


class Evaluator:
    """Renders, asks the workbench and reads the outcomes of one task's cases."""

    def __init__(self, bench: Workbench, renderer: Renderer) -> None:
        self.bench = bench
        self.renderer = renderer

    @property
    def task(self) -> Task:
        return self.renderer.task

    @property
    def spent(self) -> float:
        """The cost units that the run has spent so far."""
        return self.bench.spent

    @property
    def tokens(self) -> int:
        """The unique tokens that the run's models have read or written so far."""
        return self.bench.tokens

    def asked(self, prompt: Prompt, cases: Sequence[Case]) -> str:
        """A hash of all that evaluating the cases asks of the model. Prompts with the same hash
        are the same to the model."""
        if prompt.readout == "hidden":
            return digest(self.renderer.hidden(prompt, cases))
        scored = digest(Score(self.renderer.sheet(prompt, cases).segments))
        if prompt.form != "written":
            return scored
        return scored + digest(answers_request(self.renderer, prompt, cases, None))

    def score(self, prompt: Prompt, cases: Sequence[Case], role: str = "search") -> list[Evidence]:
        """One outcome a case, or where the prompt reads hidden states one state a case, which a map
        has to read. The cases are asked in blocks, each with one shared prefix. Raises Unanswerable
        where the role's model cannot take them, and Interrupted where the user pauses or stops the
        run."""
        size = BLOCK if role == "search" else SERVED_BLOCK
        blocks = [cases[start : start + size] for start in range(0, len(cases), size)]
        ask = _Role(self.bench, role)
        said = states if prompt.readout == "hidden" else outcomes
        return list(
            chain.from_iterable(said(ask, self.renderer, prompt, block) for block in blocks)
        )

    def writes(self, prompt: Prompt) -> bool:
        """Whether the model writes anything under the prompt."""
        return writes(self.renderer, prompt)

    def score_together(
        self, prompts: Sequence[Prompt], cases: Sequence[Case]
    ) -> list[list[Evidence]]:
        """What the search body says under several prompts on the same cases, one list a prompt.
        Those of one readout are asked in one request, in which a prefix that they share is computed
        once; nothing may be written under any of them. Raises Unanswerable where the model cannot
        take one of them."""
        return evidence_together(_Role(self.bench, "search"), self.renderer, prompts, cases)

    def states_alone(self, line: Prompt, rows: Sequence[Example]) -> dict[str, bytes]:
        """The states of rows, each read alone by the body that will serve, by the row's id. Raises
        Unanswerable where it cannot take one of them."""
        ask = _Role(self.bench, "serving")
        found: dict[str, bytes] = {}
        for at in range(0, len(rows), SERVED_BLOCK):
            found |= states_alone(ask, self.renderer, line, rows[at : at + SERVED_BLOCK])
        return found

    def decisions(
        self, prompt: Prompt, cases: Sequence[Case], inverse_temperature: float
    ) -> tuple[Sheet, tuple[Choice, ...]]:
        """The cases laid out with the owner of every token, and the decisions on them. The mean
        loss of these is a race's mean penalty without the errors, which have no slope."""
        reasoning = reason(_Role(self.bench, "search"), self.renderer, prompt, cases)
        sheet = self.renderer.sheet(prompt, cases, reasoning, owned=True)
        return sheet, decisions(self.task, prompt, sheet, cases, inverse_temperature)


@dataclass(frozen=True)
class _Role:
    """One role's model, asked through the workbench."""

    bench: Workbench
    role: str

    def score(self, request: Score) -> Scores:
        return self.bench.score(self.role, request)

    def hidden(self, request: Hidden) -> States:
        return self.bench.hidden(self.role, request)

    def generate(self, request: Generate) -> Generated:
        return self.bench.generate(self.role, request)
