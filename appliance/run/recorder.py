"""How a run is written down for those who follow it: prompts, evaluations, experience, events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from appliance.evaluate.workbench import Workbench
from appliance.kinds import Kind
from appliance.prompts.canonical import canonical
from appliance.prompts.prompt import Prompt
from appliance.prompts.show import diff
from appliance.run.events import (
    MOST_DOUBTS,
    Best,
    Event,
    Progress,
    Raced,
    ReadOff,
    Stage,
    Tried,
    kind_of,
)
from appliance.run.messages import Inputs, encode
from appliance.search.alike import Alike
from appliance.search.candidate import Candidate
from appliance.search.mapped import Mapped
from appliance.search.rungs import Rung
from appliance.statistics.metrics import searched_by
from appliance.statistics.proportions import Estimate
from store import events, experience, prompts, runs
from store.records import EvaluationRecord, ExperienceRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

PROGRESS_SECONDS = 1.0
SHOWN = ("alike", "random", "likeness")
"""Operators of what a winner is shown beside; they say nothing of how to search."""

ONCE = ("stage", "candidate", "best", "rungs", "readout", "verdict")
"""Events that follow from the journal: a resumed run comes to each of them again, in order."""


def tell(db: Database, event: Event, run_id: str | None) -> None:
    """Appends an event, of a run or of none, for whoever follows."""
    events.append(db, kind_of(event), encode(event), run_id)


class RunRecorder:
    """Writes prompts, evaluations, experience and events of one run as its ``tune.Watcher``."""

    def __init__(
        self,
        db: Database,
        run_id: str,
        task_id: str,
        inputs: Inputs,
        bench: Workbench,
        on_stage: Callable[[], None],
        kind: Kind,
    ) -> None:
        self.on_stage = on_stage
        self.kind = kind
        self.db = db
        self.run_id = run_id
        self.task_id = task_id
        self.inputs = inputs
        self.bench = bench
        self.known: dict[str, Prompt] = {}
        self._seq = 0
        self._learnt: set[Candidate] = set()
        self._told = 0.0
        self._told_before = events.count(db, run_id, ONCE)

    def stage(self, name: str) -> None:
        runs.update(self.db, self.run_id, stage=name)
        self.on_stage()
        self.emit(Stage(name))

    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None:
        prompt, found = self.keep(candidate), candidate.estimate
        self._evaluation(stage, "tuning", prompt.id, found, candidate.loss)
        if outcome == "extended":
            return
        if candidate.parent and candidate not in self._learnt and candidate.operator not in SHOWN:
            self._learn(candidate, outcome)
        tried = Tried(
            **msgspec.structs.asdict(self._figures(candidate, found)),
            operator=candidate.operator,
            section=candidate.section,
            outcome=outcome,
        )
        self.emit(tried)

    def led(self, candidate: Candidate) -> None:
        best = self._figures(candidate, candidate.estimate)
        runs.update(self.db, self.run_id, best_prompt=best.prompt)
        self.emit(best)

    def raced(self, rungs: Sequence[Rung]) -> None:
        self.emit(Raced(tuple(rungs)))

    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None:
        self._evaluation("selection", "selection", self.keep(candidate).id, found, loss)

    def mapped(self, mapped: Mapped, alike: tuple[Alike, ...]) -> None:
        doubts = mapped.doubts
        self.emit(ReadOff(mapped.separation, doubts[:MOST_DOUBTS], alike, len(doubts)))

    def likened(self, alike: tuple[Alike, ...]) -> None:
        self.emit(ReadOff(alike=alike))

    def fitted(self, candidate: Candidate, prompt: Prompt) -> None:
        """Stores the winner with its temperature, as a prompt that is made from the candidate's."""
        before = self.keep(candidate)
        if prompt.id != before.id:
            self._add(prompt, before, "temperature", "calibration", prompt.shots)

    def keep(self, candidate: Candidate) -> Prompt:
        """Stores a candidate's prompt with its fitted weight, its parent and what it shows."""
        prompt = candidate.final
        if prompt.id not in self.known:
            before = self.keep(candidate.parent) if candidate.parent else None
            rows = (*prompt.shots, *candidate.rows)
            self._add(prompt, before, candidate.operator, candidate.section, rows)
        return prompt

    def emit(self, event: Event) -> None:
        """Tells an event, unless it was told before the run was resumed."""
        if kind_of(event) in ONCE and self._told_before:
            self._told_before -= 1
            return
        tell(self.db, event, self.run_id)

    def progress(self) -> None:
        """Tells the progress at most once a second. The clock decides what is shown, never what is
        done."""
        if time.monotonic() - self._told < PROGRESS_SECONDS:
            return
        self._told = time.monotonic()
        left = max(self.inputs.budget + self.inputs.verdict_cost - self.bench.spent, 0.0)
        spent, budget = round(self.bench.spent), round(self.inputs.budget)
        self.emit(Progress(spent, budget, left_s=round(left / 1000)))

    def _figures(self, candidate: Candidate, found: Estimate) -> Best:
        return Best(
            prompt=self.keep(candidate).id,
            metric=searched_by(candidate.metric),
            value=round(found.value, 4),
            interval=(round(found.low, 4), round(found.high, 4)),
            loss=round(candidate.loss, 4),
            n=found.n,
        )

    def _add(
        self,
        prompt: Prompt,
        before: Prompt | None,
        operator: str,
        section: str,
        rows: Sequence[str],
    ) -> None:
        prompts.add(
            self.db,
            id=prompt.id,
            task_id=self.task_id,
            content=canonical(prompt).decode(),
            parent_id=before.id if before else None,
            operator=operator,
            section=section,
            diff=diff(before, prompt) if before else "",
            rows=tuple(rows),
        )
        self.known[prompt.id] = prompt

    def _evaluation(
        self, stage: str, split: str, prompt: str, found: Estimate, loss: float
    ) -> None:
        runs.add_evaluation(
            self.db,
            EvaluationRecord(
                run_id=self.run_id,
                seq=self._seq,
                prompt_id=prompt,
                stage=stage,
                split=split,
                n=found.n,
                value=round(found.value, 4),
                low=round(found.low, 4),
                high=round(found.high, 4),
                loss=round(loss, 4),
                spent=self.bench.spent,
            ),
        )
        self._seq += 1

    def _learn(self, candidate: Candidate, outcome: str) -> None:
        """Records as experience what the operator gained over the leader it met, and the cost."""
        self._learnt.add(candidate)
        experience.add(
            self.db,
            ExperienceRecord(
                task_id=self.task_id,
                run_id=self.run_id,
                seq=self._seq,
                kind=self.kind,
                model=self.inputs.model,
                operator=candidate.operator,
                section=candidate.section,
                gain=round(candidate.gain, 4),
                cost=round(candidate.cost, 1),
                outcome=outcome,
            ),
        )
