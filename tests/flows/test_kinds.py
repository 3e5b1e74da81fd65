"""Every kind of task is tuned to a verdict, and a run that is replayed comes to the same prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import tiny_tasks
from in_process import InProcess, MemoryJournal
from scripted_model import ScriptedModel

from appliance.data.split.demonstrations import shot_pool
from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Body, Prices, Workbench
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.prompts.seeds import plain_seed
from appliance.prompts.validate import check
from appliance.search.alike import Alike
from appliance.search.mapped import Mapped
from appliance.search.race import Candidate
from appliance.search.readouts import readouts
from appliance.search.rungs import Rung
from appliance.statistics.proportions import Estimate
from appliance.task import Case
from appliance.tune import tune
from appliance.verdict.give import give_verdict
from appliance.verdict.verdict import Verdict
from models.engine import Generate

KINDS = list(tiny_tasks.tasks())
BY_STATES = ("relation by states", "classify by states", "several by states", "choice by states")
"""Runs that may read hidden states."""
WRITING = ("answer", "reading", "spans")
BUDGET = 900.0


def loaded(kind: str, by_states: bool) -> Loaded:
    """A tiny task. States are read only where all questions offer the same choices."""
    if kind != "choice" or not by_states:
        return tiny_tasks.loaded(kind)
    task = tiny_tasks.tasks()[kind]
    cases = []
    for number, row in enumerate(tiny_tasks.rows(kind)):
        answer = ("yes", "no")[number % 2]
        text = f"{row.text.split(' live')[0]} live here ({answer})?"
        question = msgspec.structs.replace(row, text=text, answers=(answer,), choices=("yes", "no"))
        cases.append(Case(question))
    third = len(cases) // 3
    shots = shot_pool(task, cases[:third])
    kept = {row for ids in shots.values() for row in ids}
    split = {
        "tuning": [case for case in cases[:third] if case.query.id not in kept],
        "selection": cases[third : 2 * third],
        "test": cases[2 * third :],
    }
    rows = {case.query.id: case.query for case in cases}
    found = Loaded(kind, "hash", task, plain_seed(task, shots), rows, split, shots)
    assert "hidden" in readouts(found, None)
    return found


class Told:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, float]] = []
        self.operators: set[str] = set()

    def stage(self, name: str) -> None: ...

    def led(self, candidate: Candidate) -> None: ...
    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None:
        self.operators.add(candidate.operator)
        self.seen.append((candidate.final.id, outcome, candidate.estimate.value))

    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None:
        self.seen.append((candidate.final.id, "selection", found.value))

    def raced(self, rungs: Sequence[Rung]) -> None:
        self.seen += [("", f"{r.cases} cases, {r.candidates} candidates", r.tokens) for r in rungs]

    def mapped(self, mapped: Mapped, alike: tuple[Alike, ...]) -> None:
        self.seen.append((mapped.prompt.id, "mapped", float(mapped.separation.right)))
        self.seen += [("", f"beside {other.name}", other.gain) for other in alike]

    def fitted(self, candidate: Candidate, prompt: Prompt) -> None:
        self.seen.append((prompt.id, "settled", 0.0))


class Run:
    """Tuned from a journal, empty or kept, to a verdict."""

    def __init__(
        self,
        name: str,
        folder: Path,
        journal: MemoryJournal,
        *,
        budget: float = BUDGET,
        reasons: bool = True,
    ) -> None:
        self.name = name
        self.models = InProcess(ScriptedModel(folder))
        self.journal = journal
        prices = Prices(0.01, 0.01, 0.01)
        roles = ("search", "serving", "twin", "reasoner")
        bodies = {role: Body("m", role, prices) for role in roles}
        self.bench = Workbench(self.models, bodies, journal, lambda: None)
        tokeniser = self.models.tokeniser()
        kind, _, by_states = name.partition(" by ")
        self.loaded = loaded(kind, bool(by_states))
        renderer = Renderer(self.loaded.task, self.loaded.rows, tokeniser)
        evaluator = Evaluator(self.bench, renderer)
        self.told = Told()
        self.best = tune(
            self.loaded,
            evaluator,
            self.bench,
            tokeniser if reasons else None,
            self.told,
            seed=3,
            budget=budget,
            fits=lambda _: True,
            readouts=("words", "hidden") if by_states else ("words",),
        )
        self.verdict: Verdict = give_verdict(
            evaluator, self.loaded.cases["test"], self.loaded.seed, self.best, model="m", body="b"
        )


@pytest.fixture(scope="module", params=[*KINDS, *BY_STATES])
def run(request, tmp_path_factory) -> Run:
    return Run(request.param, tmp_path_factory.mktemp("script"), MemoryJournal())


def test_a_task_of_any_kind_is_tuned_to_a_verdict(run):
    by_states = run.best.readout == "hidden"
    # Where the states tell all labels apart, few mutations are left to try.
    assert BUDGET / (5 if by_states else 2) < run.bench.spent < 3 * BUDGET
    assert {"seed", "portfolio" if by_states else "format", "mutate"} <= run.told.operators
    at_once = by_states and run.loaded.task.several
    assert run.best.form == ("choice" if at_once else run.loaded.seed.form)
    check(run.best, run.loaded, run.loaded.cases["test"])
    verdict, n = run.verdict, len(run.loaded.cases["test"])
    assert verdict.metric == run.loaded.task.metric and verdict.n == len(verdict.answers) == n
    for side in (verdict.seed, verdict.best):
        low, high = side.interval
        assert 0 <= low <= side.value <= high <= 1 and side.n == n
    seed = run.best if verdict.stands else run.loaded.seed
    assert (verdict.seed.prompt, verdict.best.prompt) == (seed.id, run.best.id)


def test_a_winner_that_reads_states_stands_beside_random_formats(run):
    if run.best.readout == "hidden":
        beside = [what for _, what, _ in run.told.seen if what.startswith("beside ")]
        assert any("random formats" in what for what in beside)


def test_what_is_better_on_many_rows_was_found_by_the_search(run):
    """The scripted model answers far better under some prompts than under others."""
    values = [value for _, outcome, value in run.told.seen if outcome != "settled"]
    assert max(values) > values[0]


def test_a_run_that_is_replayed_asks_nothing_and_comes_to_the_same(run, tmp_path):
    again = Run(run.name, tmp_path, MemoryJournal(run.journal.lines))
    assert again.models.calls == []
    assert (again.best, again.verdict) == (run.best, run.verdict)
    assert again.told.seen == run.told.seen and again.bench.spent == run.bench.spent


def test_a_run_that_was_cut_off_goes_on_to_the_same_end(run, tmp_path):
    after = len(run.journal.lines) // 2
    again = Run(run.name, tmp_path, MemoryJournal(run.journal.lines[:after]))
    assert len(again.models.calls) == len(run.journal.lines) - after
    assert (again.best, again.verdict) == (run.best, run.verdict)
    assert again.journal.lines == run.journal.lines


def test_only_what_is_written_is_asked_to_be_written(run):
    greedy = [r for r in run.models.calls if isinstance(r, Generate) and r.temperature == 0]
    writes = run.loaded.task.kind in WRITING and run.best.readout == "words"
    assert bool(greedy) == writes
    assert all(bool(r.grammar) == (run.loaded.task.kind == "spans") for r in greedy)
