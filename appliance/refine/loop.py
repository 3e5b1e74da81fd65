"""Stage 2 end to end: locate by gradient, propose, verify on the quantised body, accept or not."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import NormalDist

from appliance.encode.tokens import Tokeniser
from appliance.evaluate.workbench import Unanswerable, Workbench
from appliance.refine.gradient import gradient
from appliance.refine.propose import propose
from appliance.refine.spans import grow
from appliance.scoring.outcomes import Scored
from appliance.search.race import Candidate, Contest, difference
from appliance.task import Case

CASES = 16
SPANS = 4
ALPHA = 0.05
"""Chance that a round accepts an edit although all of its edits are only as good."""


def refine(
    contest: Contest,
    bench: Workbench,
    tokeniser: Tokeniser,
    seed: int,
    budget: float,
    depth: int,
) -> Candidate:
    """The contest's leader, or what local edits made of it.

    An edit is accepted only if it beats the prompt it edits on all tuning cases seen (paired and
    one-sided, at 5 % shared among the round's edits). After a round in which none is, the next
    draws other cases; after two such rounds it ends. ``budget`` is in cost units, counted from now;
    ``depth`` is on how many cases an edit must win.
    """
    start = bench.spent
    random = Random(seed)
    best = contest.leader
    failures = 0
    while failures < 2 and not bench.finishing and bench.spent - start < budget:
        try:
            contest.extend(best, depth)
        except Unanswerable:
            return best
        accepted = _improve(contest, bench, tokeniser, random, depth, end=start + budget)
        failures = 0 if accepted else failures + 1
        if accepted:
            contest.promote(best := accepted, "accepted")
    return best


def _improve(
    contest: Contest,
    bench: Workbench,
    tokeniser: Tokeniser,
    random: Random,
    depth: int,
    end: float,
) -> Candidate | None:
    """One round: the first edit of the leader that is really better."""
    best = contest.leader
    if best.fit.channel_weight == 1:  # Nothing that has a gradient is left of the scores.
        return None
    cases = balanced(contest.cases, best, random)
    channel = {one.case: one.channel for one in best.scored if isinstance(one, Scored)}
    try:
        found = gradient(
            contest.evaluator, best.final, cases, best.fit.inverse_temperature, channel
        )
        spans = grow(found.owners, found.reply.norms, SPANS)
        edits = propose(bench, tokeniser, contest.evaluator.task, best.prompt, found, spans)
    except Unanswerable:
        return None
    z = NormalDist().inv_cdf(1 - ALPHA / max(len(edits), 1))
    for edit in edits:
        if bench.finishing or bench.spent >= end:
            return None
        candidate = contest.enter(
            edit.prompt,
            edit.operator,
            depth=depth,
            parent=best,
            section=edit.section,
            source=tuple(cases),
            may_lead=False,
        )
        if candidate is None or len(candidate.scored) < len(best.scored):
            continue
        if difference(candidate, best).proves_better(z):
            return candidate
    return None


def balanced(cases: Sequence[Case], leader: Candidate, random: Random) -> list[Case]:
    """Half of the cases wrong under the leader and half right, as far as there are (GradPO's
    buckets): a gradient over what is right already says little."""
    seen = list(zip(cases, leader.scored, strict=False))
    wrong = [case for case, scored in seen if not scored.correct(leader.fit)]
    right = [case for case, scored in seen if scored.correct(leader.fit)]
    shown = random.sample(wrong, min(CASES // 2, len(wrong)))
    return shown + random.sample(right, min(CASES - len(shown), len(right)))
