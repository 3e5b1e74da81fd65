"""Is it really better? Seed and winner on the locked test split, paired, by the serving body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.prompts.prompt import Prompt
from appliance.task import (
    Case,
    Metric,
    Tally,
    Task,
)

if TYPE_CHECKING:
    from appliance.evaluate.evaluator import Evaluator
    from appliance.scoring.outcomes import Outcome

ALPHA = 0.05
GAIN, DISCORDANCE = 0.1, 0.2
"""The gain that the power is told for, and the least share of differing answers it is told at."""

AGAIN = 64
"""Cases that are scored a second time, in another order, to see what the engine's noise is."""

Unit = Literal["case", "group", "relation", "query"]


class Side(msgspec.Struct, frozen=True):
    """``value`` is by the verdict's metric, with its 95 % interval, over ``n`` cases."""

    prompt: str
    value: float
    interval: tuple[float, float]
    n: int


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """One test case: what was right, what each prompt answered, how far that is right (0 to 1) and
    how it counts, and the probability of the best prompt's answer where it has one."""

    case: str
    gold: str
    seed: str
    best: str
    seed_credit: float
    best_credit: float
    seed_tally: Tally
    best_tally: Tally
    confidence: float | None = None
    part: str = ""


class Noise(msgspec.Struct, frozen=True):
    """The best prompt scored twice on ``n`` cases: how many answers ``changed``, and the largest
    difference of two scores of one thing, in nats."""

    n: int
    changed: int
    largest: float = 0.0


class Verdict(msgspec.Struct, frozen=True):
    """``gain`` is best minus seed by the ``metric`` with its paired 95 % interval; ``wins`` and
    ``losses`` count the cases that one of the two got right to a higher degree. ``p``, which counts
    below ``alpha``, is that of ``test``. Where cases belong together in ``clusters`` of a ``unit``,
    it weighs whole clusters, and so does the interval. ``refused`` says why nothing can be
    claimed, whatever p is; ``scope`` what a claim is limited to. ``power`` is how often a true gain
    of ``GAIN`` would be proven on as many cases, where these are independent."""

    seed: Side
    best: Side
    metric: Metric
    n: int
    gain: float
    interval: tuple[float, float]
    p: float
    test: str
    wins: int
    losses: int
    better: bool
    words: str
    model: str
    body: str
    split: str = "test"
    unit: Unit = "case"
    clusters: int = 0
    alpha: float = ALPHA
    power: float | None = None
    refused: str = ""
    scope: str = ""
    noise: Noise | None = None
    answers: tuple[Answer, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether the seed prompt stands because nothing better was found."""
        return self.best.prompt == self.seed.prompt


def give_verdict(
    evaluator: Evaluator,
    cases: Sequence[Case],
    seed: Prompt,
    best: Prompt,
    *,
    model: str,
    body: str,
    alpha: float = ALPHA,
) -> Verdict:
    """Scores both prompts on the same test cases. The only reader of the test split."""
    from appliance.verdict.judge import judge

    if _differs_in_probabilities_alone(seed, best):
        seed = best
    before = evaluator.score(seed, cases, "serving")
    after = before if best == seed else evaluator.score(best, cases, "serving")
    answers = tuple(
        _answer(evaluator.task, seed, best, case, b, a)
        for case, b, a in zip(cases, before, after, strict=True)
    )
    unit, clusters = belonging(cases, evaluator.task)
    found = judge(
        answers,
        evaluator.task.metric,
        seed.id,
        best.id,
        model,
        body,
        alpha=alpha,
        unit=unit,
        clusters=clusters,
    )
    noise = _noise(evaluator, best, cases[:AGAIN], after)
    return msgspec.structs.replace(found, noise=noise, answers=answers)


def _differs_in_probabilities_alone(seed: Prompt, best: Prompt) -> bool:
    """Whether the seed prompt stands: what is fitted to it after the search changes no answer."""
    fitted = {name: getattr(best, name) for name in ("temperature", "intercept", "abstain")}
    return msgspec.structs.replace(seed, **fitted) == best


def belonging(cases: Sequence[Case], task: Task) -> tuple[Unit, list[str]]:
    """What makes cases alike beyond their text, and each one's share in it.

    Episodes are alike by their queries' relation, since others will be asked for. Where most have
    none of the relations, too few are left to say anything of others: there the episodes of one
    query are alike, and what is said holds for these relations. Rows are alike by the group that
    they were given.
    """
    if task.protocol == "episodes" and task.metric == "accuracy":
        return "relation", [case.query.label for case in cases]
    if task.protocol == "episodes":
        return "query", [case.query.id for case in cases]
    if any(case.query.group for case in cases):
        return "group", [case.query.group or case.id for case in cases]
    return "case", []


def threshold(look: int) -> float:
    """What p has to stay below at that look at a test split, counted from 1.

    Each look halves it. Without a true gain look k says "better" with a chance of at most half of
    its threshold, so all looks together do with at most ALPHA, however many there are (Bonferroni
    with unequal shares; the spending view is Lan and DeMets', Biometrika 70, 1983).
    """
    return ALPHA * 0.5 ** (look - 1)


def _answer(
    task: Task, seed: Prompt, best: Prompt, case: Case, before: Outcome, after: Outcome
) -> Answer:
    from appliance.scoring.answers import prediction

    old, new = prediction(task, seed, case, before), prediction(task, best, case, after)
    return Answer(
        case=case.id,
        gold=new.gold,
        seed=old.predicted,
        best=new.predicted,
        seed_credit=float(old.exact) if task.metric == "accuracy" else old.credit,
        best_credit=float(new.exact) if task.metric == "accuracy" else new.credit,
        seed_tally=old.tally,
        best_tally=new.tally,
        confidence=new.confidence,
        part=case.part,
    )


def _noise(
    evaluator: Evaluator, prompt: Prompt, cases: Sequence[Case], first: Sequence[Outcome]
) -> Noise:
    """In the opposite order the same tokens stand in other batches, which round otherwise."""
    again = evaluator.score(prompt, cases[::-1], "serving")[::-1]
    pairs = list(zip(first, again, strict=False))
    apart = (abs(x - y) for a, b in pairs for x, y in zip(a.numbers, b.numbers, strict=True))
    changed = sum(a.predicted(prompt) != b.predicted(prompt) for a, b in pairs)
    return Noise(len(again), changed, round(max(apart, default=0.0), 4))
