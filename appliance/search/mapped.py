"""The winner's own map of hidden states, fitted to the states of the body that will serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from appliance.calibrate.doubts import Doubt, doubts
from appliance.calibrate.objective import Objective
from appliance.calibrate.readout import cross_validated, fit_map
from appliance.calibrate.separation import Separation, separation
from appliance.evaluate.cost import expected_cost
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence, State, as_states
from appliance.scoring.outcomes import Outcome
from appliance.search.candidate import Candidate
from appliance.task import Case

LEAST = 200
"""Rows that the map is fitted to whatever they cost."""


class Mapped(NamedTuple):
    """A prompt with its map, outcomes of the cases that the map was fitted to, each by a map that
    has not seen it, how well these tell the labels apart, and rows whose labels are doubtful."""

    prompt: Prompt
    outcomes: list[Outcome]
    separation: Separation
    doubts: tuple[Doubt, ...]


def with_map(
    evaluator: Evaluator,
    loaded: Loaded,
    best: Candidate,
    tuning: Sequence[Case],
    selected: Sequence[Case],
    evidence: Sequence[Evidence],
    budget: float,
) -> Mapped:
    """Fits the map to the ``tuning`` cases, to rows that were kept for demonstrations and are not
    shown, and to the cases that the winner was ``selected`` on, of which the ``evidence`` is at
    hand. What a race asked is at hand too where the body that serves searched. As many others are
    asked as the budget (cost units) pays for, and ``LEAST`` at least."""
    unused = unshown(loaded, best.prompt)
    raced = {one.case: one for one in best.scored} if evaluator.bench.one_body else {}
    known = [case for case in tuning if case.id in raced]
    others = [*unused, *(case for case in tuning if case.id not in raced)]
    asked = _paid_for(evaluator, best.prompt, others, budget)
    cases, said = _answered(evaluator, best.prompt, asked)
    states = as_states([*said, *(raced[case.id] for case in known), *evidence])
    model = evaluator.bench.bodies["serving"].sha256
    rows = [case.query.id for case in (*cases, *known, *selected[: len(evidence)])]
    return mapped(best.prompt, states, rows, best.objective, model)


def unshown(loaded: Loaded, prompt: Prompt) -> list[Case]:
    """The rows that were kept for demonstrations and are not shown by the prompt, with the options
    that the tuning cases have."""
    like = loaded.cases["tuning"][0]
    kept = (row for rows in loaded.demonstrations.values() for row in rows)
    cases = (Case(loaded.rows[row], like.labels) for row in kept if row not in prompt.shots)
    return [case for case in cases if case.options == like.options]


def mapped(
    prompt: Prompt, states: Sequence[State], rows: Sequence[str], objective: Objective, model: str
) -> Mapped:
    """The prompt with the map of all ``states``, which are those of the ``rows`` with these ids by
    the model's file with the hash ``model``."""
    outcomes = cross_validated(states, objective)
    return Mapped(
        replace(prompt, map=fit_map(states, objective, model)),
        outcomes,
        separation(outcomes),
        doubts(rows, outcomes),
    )


def _paid_for(
    evaluator: Evaluator, prompt: Prompt, cases: Sequence[Case], budget: float
) -> Sequence[Case]:
    some = cases[:LEAST]
    if not some:
        return some
    prices = evaluator.bench.bodies["serving"].prices
    each = expected_cost(evaluator.renderer, prompt, some, prices) / len(some)
    return cases[: max(LEAST, int(budget / max(each, 1e-9)))]


def _answered(
    evaluator: Evaluator, prompt: Prompt, cases: Sequence[Case]
) -> tuple[Sequence[Case], list[Evidence]]:
    """The cases that the model can take, and what it says to them."""
    try:
        return cases, evaluator.score(prompt, cases, "serving")
    except Unanswerable:
        if len(cases) == 1:
            return [], []
    half = len(cases) // 2
    parts = [_answered(evaluator, prompt, part) for part in (cases[:half], cases[half:])]
    return [c for some, _ in parts for c in some], [one for _, said in parts for one in said]
