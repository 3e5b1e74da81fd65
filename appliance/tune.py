"""The two stages end to end, then the choice on the selection split by the serving body.

Deterministic in its arguments and in what the workbench replies: it reads no clock, no random
source of its own and no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from random import Random
from typing import Protocol

from appliance.prompt import Prompt
from appliance.refine.refine import refine
from appliance.scoring.calibration import log_shares, penalty
from appliance.scoring.evaluator import Evaluator, accuracy, mean_loss
from appliance.search.contest import FIRST, Candidate, Contest
from appliance.search.formats import SPACES
from appliance.search.search import search
from appliance.tasks import Loaded
from appliance.tokens import Tokeniser
from appliance.workbench import Unanswerable, Workbench

MINUTE = 60_000.0
"""Cost units: milliseconds at a run's frozen prices."""

SEARCH, REFINE, SELECTION = 0.6, 0.2, 0.2
LEAST_SELECTION = 32
"""Selection cases that are scored whatever they cost."""


class Watcher(Protocol):
    """Who follows a run."""

    def stage(self, name: str) -> None: ...
    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None: ...
    def selected(self, candidate: Candidate, n: int, accuracy: float, loss: float) -> None: ...


def tune(
    loaded: Loaded,
    evaluator: Evaluator,
    bench: Workbench,
    reasoner: Tokeniser | None,
    watcher: Watcher,
    *,
    seed: int,
    budget: float,
) -> Prompt:
    """The best prompt, or the seed where nothing beat it on the selection split.

    ``budget`` in cost units covers both stages and the selection; the verdict is extra.
    """
    cases = list(loaded.cases["tuning"])
    Random(seed).shuffle(cases)
    stage = "search"
    watcher.stage(stage)
    contest = Contest(
        evaluator,
        cases,
        loaded.seed,
        lambda c, outcome: watcher.candidate(stage, c, outcome),
        log_shares(cases) if loaded.task.protocol == "fixed" else (),
    )
    depth = race_depth(bench.spent / FIRST, budget)
    finalists = search(
        contest,
        bench,
        reasoner,
        loaded.pool,
        seed,
        SEARCH * budget,
        depth,
        SPACES[loaded.task.kind],
    )
    stage_one = contest.leader
    stage = "refine"
    watcher.stage(stage)
    refined = refine(contest, bench, evaluator.renderer.tokeniser, seed, REFINE * budget, depth)
    watcher.stage("selection")
    entrants = [contest.seed, *finalists, stage_one, refined]
    best = select(loaded, evaluator, entrants, watcher, SELECTION * budget)
    return best.final


def race_depth(cost_of_a_case: float, budget: float) -> int:
    """On how many cases a race is decided: as many as a tenth of the budget pays for."""
    return max(2 * FIRST, min(8 * FIRST, int(0.1 * budget / max(cost_of_a_case, 1e-9))))


def select(
    loaded: Loaded,
    evaluator: Evaluator,
    entrants: Sequence[Candidate],
    watcher: Watcher,
    budget: float,
) -> Candidate:
    """The best of a few on rows that the search has not seen, by the body that will serve.

    As many selection cases are used as the budget pays for. The first entrant is the seed: ties
    go to the earlier one, so that it stands unless something is better.
    """
    first: dict[str, Candidate] = {}
    for entrant in entrants:
        first.setdefault(entrant.final.id, entrant)
    unique = list(first.values())
    cases = loaded.cases["selection"]
    price = evaluator.bench.bodies["serving"].prices.prefill
    few = len(cases[:LEAST_SELECTION])
    base, more = (
        price * sum(evaluator.renderer.tokens(c.prompt, cases[:n]) for c in unique)
        for n in (1, few)
    )
    each = (more - base) / max(few - 1, 1)
    cases = cases[: max(few, int((budget - base) / each) if each else few)]
    penalties = {}
    for candidate in unique:
        try:
            scored = evaluator.score(candidate.prompt, cases, "serving")
        except Unanswerable:
            if candidate is entrants[0]:
                raise
            continue
        fitted = candidate.fit
        penalties[candidate.final.id] = round(fsum(penalty(s, fitted) for s in scored), 4)
        watcher.selected(
            candidate, len(scored), accuracy(scored, fitted), mean_loss(scored, fitted)
        )
    return min((c for c in unique if c.final.id in penalties), key=lambda c: penalties[c.final.id])
