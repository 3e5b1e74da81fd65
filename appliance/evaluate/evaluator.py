"""Prompts on cases: what is asked of the model, and what its replies come to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from appliance.encode.renderer import Renderer, Sheet
from appliance.evaluate.cost import longest_answer
from appliance.evaluate.workbench import Workbench
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome
from appliance.scoring.replies import decisions, read_scores, totals
from appliance.scoring.written import (
    read,
    request,
    thinking,
    units,
)
from appliance.task import Case, Task
from models.engine import Choice, Generate, Score, digest

BLOCK = 96
"""Cases a request of the search holds at most: what a crash can cost."""

SERVED_BLOCK = 128


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
        """Cost units of the run so far."""
        return self.bench.spent

    def asked(self, prompt: Prompt, cases: Sequence[Case]) -> str:
        """What evaluating the cases asks of the model, as a hash: prompts that agree in it differ
        in nothing that the model sees."""
        scored = digest(Score(self.renderer.sheet(prompt, cases).segments))
        if prompt.form != "written":
            return scored
        return scored + digest(self._answers(prompt, cases, None))

    def score(self, prompt: Prompt, cases: Sequence[Case], role: str = "search") -> list[Outcome]:
        """In blocks, each of which shares its prefix."""
        size = BLOCK if role == "search" else SERVED_BLOCK
        blocks = [cases[start : start + size] for start in range(0, len(cases), size)]
        return list(chain.from_iterable(self._block(prompt, block, role) for block in blocks))

    def decisions(
        self, prompt: Prompt, cases: Sequence[Case], inverse_temperature: float
    ) -> tuple[Sheet, tuple[Choice, ...]]:
        """The cases laid out with the owner of every token, and the decisions whose mean loss is
        that of a race, but for its step at an error, which has no slope."""
        reasoning = self._reasoning(prompt, cases, "search")
        sheet = self.renderer.sheet(prompt, cases, reasoning, owned=True)
        return sheet, decisions(self.task, prompt, sheet, cases, inverse_temperature)

    def _block(self, prompt: Prompt, cases: Sequence[Case], role: str) -> list[Outcome]:
        reasoning = self._reasoning(prompt, cases, role)
        sheet = self.renderer.sheet(prompt, cases, reasoning)
        reply = self.bench.score(role, Score(sheet.segments))
        if prompt.form != "written" or self.task.match == "choice":
            return read_scores(self.task, prompt, sheet, reply, cases)
        written = self.bench.generate(role, self._answers(prompt, cases, reasoning)).written
        total = totals(sheet, reply)
        return [
            read(self.task, prompt, case, continuation.text, -total[answer] / units(case))
            for case, [continuation], [(answer,)] in zip(cases, written, sheet.plain, strict=True)
        ]

    def _answers(
        self, prompt: Prompt, cases: Sequence[Case], reasoning: Sequence[str] | None
    ) -> Generate:
        openings = self.renderer.openings(prompt, cases, reasoning)
        most = longest_answer(self.renderer, prompt, cases)
        return request(self.task, prompt, openings, most)

    def _reasoning(self, prompt: Prompt, cases: Sequence[Case], role: str) -> list[str] | None:
        if "reasoning" not in prompt.slots:
            return None
        wanted = thinking(prompt, self.renderer.openings(prompt, cases))
        return [one.text.strip() for [one] in self.bench.generate(role, wanted).written]
