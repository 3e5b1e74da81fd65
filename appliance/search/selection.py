"""Chooses among a search's last candidates on the selection split, scored by the serving body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum
from typing import NamedTuple

from appliance.evaluate.cost import expected_cost
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Unanswerable
from appliance.scoring.hidden import Evidence
from appliance.scoring.outcomes import Outcome
from appliance.search.candidate import Candidate
from appliance.search.likeness import Likenesses
from appliance.statistics.metrics import COUNTED, estimate, mean_loss
from appliance.statistics.proportions import Estimate
from appliance.task import Case

LEAST = 32
"""Selection cases that are scored whatever they cost."""

Seen = Callable[[Candidate, Estimate, float], None]
"""It is called with a candidate, its metric and its mean loss (nats) on the selection cases."""


class Selected(NamedTuple):
    """The ``best`` entrant and its evidence on the selection rows, and the outcomes there of every
    entrant that could be scored, by what tells it from others."""

    best: Candidate
    evidence: list[Evidence]
    outcomes: dict[tuple[str, float], list[Outcome]]


def select(
    evaluator: Evaluator,
    cases: Sequence[Case],
    entrants: Sequence[Candidate],
    budget: float,
    seen: Seen,
    likeness: Likenesses | None = None,
) -> Selected:
    """The best entrant on rows that the search has not seen, with their ``likeness``, if any.

    The budget (cost units) decides how many of the ``cases`` are used. The first entrant is the
    seed: ties go to the earlier one, so that the seed stands unless something is better.
    """
    first: dict[tuple[str, float], Candidate] = {}
    for entrant in entrants:
        first.setdefault(entrant.identity, entrant)
    unique = list(first.values())
    cases = _paid_for(evaluator, cases, unique, budget, likeness)
    metric = evaluator.task.metric
    said: dict[Candidate, list[Evidence]] = {}
    outcomes: dict[Candidate, list[Outcome]] = {}
    for candidate in unique:
        try:
            evidence = evaluator.score(candidate.prompt, cases, "serving")
            if likeness:
                evidence = likeness.added_to(candidate.prompt, evidence, cases)
        except Unanswerable:
            if candidate is entrants[0]:
                raise
            continue
        said[candidate] = evidence
        scored = outcomes[candidate] = candidate.unseen(evidence)
        found = estimate(scored, candidate.fit, metric)
        seen(candidate, found, mean_loss(scored, candidate.fit, metric))
    # Losses of choices and of yes/no answers are on different scales.
    alike = len({type(one) for scored in outcomes.values() for one in scored}) == 1

    def rank(candidate: Candidate) -> tuple[float, float]:
        scored = outcomes[candidate]
        # Penalties follow an F1 only roughly: a prompt that finds nothing has low ones.
        f1 = estimate(scored, candidate.fit, metric).value if metric in COUNTED else 0.0
        each = candidate.penalties_of(scored) if alike else candidate.errors_of(scored)
        return -round(f1, 4), round(fsum(each), 4)

    best = min(outcomes, key=rank)
    return Selected(best, said[best], {c.identity: scored for c, scored in outcomes.items()})


def _paid_for(
    evaluator: Evaluator,
    cases: Sequence[Case],
    entrants: Sequence[Candidate],
    budget: float,
    likeness: Likenesses | None,
) -> Sequence[Case]:
    """The first cases, up to where the budget no longer pays for scoring every entrant on them."""
    prices = evaluator.bench.bodies["serving"].prices

    def cost(of: Sequence[Case]) -> float:
        words = sum(expected_cost(evaluator.renderer, c.prompt, of, prices) for c in entrants)
        return words + (likeness.cost(of) if likeness else 0.0)

    few = len(cases[:LEAST])
    base, more = cost(cases[:1]), cost(cases[:few])
    each = (more - base) / max(few - 1, 1)
    return cases[: max(few, int((budget - base) / each) if each else few)]
