"""The two stages end to end, then the choice on the selection split by the serving body.

Deterministic in its arguments and in what the workbench replies: it reads no clock, no random
source of its own and no store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from math import fsum
from random import Random
from typing import Protocol

from appliance.calibrate.objective import Objective, log_shares
from appliance.calibrate.probabilities import fit_probabilities
from appliance.data.tasks import Loaded
from appliance.encode.tokens import Tokeniser
from appliance.evaluate.cost import expected_cost
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Unanswerable, Workbench
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import asked, holds
from appliance.refine.loop import refine
from appliance.scoring.outcomes import Outcome
from appliance.search.race import FIRST, Candidate, Contest
from appliance.search.spaces import space_of
from appliance.search.stage import search
from appliance.statistics.metrics import COUNTED, estimate, mean_loss
from appliance.statistics.proportions import Estimate
from appliance.task import Case, Task

MINUTE = 60_000.0
"""Cost units: milliseconds at a run's frozen prices."""

SEARCH, REFINE, SELECTION = 0.6, 0.2, 0.2
LEAST_SELECTION = 32
"""Selection cases that are scored whatever they cost."""


class Watcher(Protocol):
    """Who follows a run."""

    def stage(self, name: str) -> None: ...
    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None: ...
    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None: ...
    def fitted(self, candidate: Candidate, prompt: Prompt) -> None: ...


def tune(
    loaded: Loaded,
    evaluator: Evaluator,
    bench: Workbench,
    reasoner: Tokeniser | None,
    watcher: Watcher,
    *,
    seed: int,
    budget: float,
    fits: Callable[[Prompt], bool],
) -> Prompt:
    """The best prompt, or the seed where nothing beat it on the selection split; either with
    probabilities that were fitted there.

    ``budget`` in cost units covers both stages and the selection; the verdict is extra. A prompt
    that a test row does not fit could not be given one, and is passed over: ``fits`` says so.
    """
    cases = ordered(loaded.cases["tuning"], loaded.task, seed)
    stage = "search"
    watcher.stage(stage)
    contest = Contest(
        evaluator,
        cases,
        loaded.seed,
        lambda c, outcome: watcher.candidate(stage, c, outcome),
        objective_of(loaded),
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
        space_of(loaded.task, loaded.seed),
    )
    stage_one = contest.leader
    stage = "refine"
    watcher.stage(stage)
    refined = refine(contest, bench, evaluator.renderer.tokeniser, seed, REFINE * budget, depth)
    watcher.stage("selection")
    found = (*finalists, stage_one, refined)
    entrants = [contest.seed, *(each for each in found if fits(each.prompt))]
    best, outcomes = select(loaded, evaluator, entrants, watcher, SELECTION * budget)
    prompt = fit_probabilities(best.final, outcomes, loaded.task.metric, fixed=best.fixed)
    watcher.fitted(best, prompt)
    return prompt


def objective_of(loaded: Loaded) -> Objective:
    """What prompts are compared by. Rows that are set aside as demonstrations count among those of
    the split: without them it has fewer of every label."""
    task = loaded.task
    labels = tuple(label.name for label in task.labels)
    shown = [Case(loaded.rows[row], labels) for ids in loaded.pool.values() for row in ids]
    cases = [*loaded.cases["tuning"], *shown]
    # Nobody is asked whether none of the above holds.
    unasked = task.none if loaded.seed.form == "yesno" else None
    shares = log_shares(cases, unasked) if task.protocol == "fixed" else ()
    positive = sum(_is_positive(task, case) for case in cases) / len(cases)
    return Objective(task.metric, shares, positive if task.metric == "micro_f1" else None)


def ordered(cases: Sequence[Case], task: Task, seed: int) -> list[Case]:
    """Shuffled. Where micro-F1 is sought, every other case has something to find as long as there
    are such, since few cases of which hardly any does tell nothing."""
    shuffled = list(cases)
    Random(seed).shuffle(shuffled)
    if task.metric != "micro_f1":
        return shuffled
    positives: list[Case] = []
    rest: list[Case] = []
    for case in shuffled:
        (positives if _is_positive(task, case) else rest).append(case)
    pairs = list(chain.from_iterable(zip(positives, rest, strict=False)))
    return pairs + positives[len(rest) :] + rest[len(positives) :]


def _is_positive(task: Task, case: Case) -> bool:
    """Whether a case has something to find."""
    return any(holds(label, case.query) for label in asked(task, case))


def race_depth(cost_of_a_case: float, budget: float) -> int:
    """On how many cases a race is decided: as many as a tenth of the budget pays for."""
    return max(2 * FIRST, min(8 * FIRST, int(0.1 * budget / max(cost_of_a_case, 1e-9))))


def select(
    loaded: Loaded,
    evaluator: Evaluator,
    entrants: Sequence[Candidate],
    watcher: Watcher,
    budget: float,
) -> tuple[Candidate, list[Outcome]]:
    """The best of a few on rows that the search has not seen, by the body that will serve; and what
    it did there.

    As many selection cases are used as the budget pays for. The first entrant is the seed: ties
    go to the earlier one, so that it stands unless something is better.
    """
    first: dict[str, Candidate] = {}
    for entrant in entrants:
        first.setdefault(entrant.final.id, entrant)
    unique = list(first.values())
    cases = loaded.cases["selection"]
    prices = evaluator.bench.bodies["serving"].prices
    few = len(cases[:LEAST_SELECTION])
    base, more = (
        sum(expected_cost(evaluator.renderer, c.prompt, cases[:n], prices) for c in unique)
        for n in (1, few)
    )
    each = (more - base) / max(few - 1, 1)
    cases = cases[: max(few, int((budget - base) / each) if each else few)]
    ranks: dict[str, tuple[float, float]] = {}
    outcomes: dict[str, list[Outcome]] = {}
    for candidate in unique:
        try:
            scored = evaluator.score(candidate.prompt, cases, "serving")
        except Unanswerable:
            if candidate is entrants[0]:
                raise
            continue
        fitted = candidate.fit
        outcomes[candidate.final.id] = scored
        found = estimate(scored, fitted, loaded.task.metric)
        # What a search pays for errors stands for an F1 only roughly: to find nothing is cheap.
        f1 = round(found.value, 4) if loaded.task.metric in COUNTED else 0.0
        ranks[candidate.final.id] = -f1, round(fsum(candidate.penalties_of(scored)), 4)
        watcher.selected(candidate, found, mean_loss(scored, fitted, loaded.task.metric))
    best = min((c for c in unique if c.final.id in ranks), key=lambda c: ranks[c.final.id])
    return best, outcomes[best.final.id]
