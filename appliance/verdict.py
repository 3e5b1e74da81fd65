"""Is it really better? Seed and winner on the locked test split, paired, by the serving body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.prompt import Prompt
from appliance.task import Case, Protocol

if TYPE_CHECKING:
    from appliance.scoring.evaluator import Calibration, Evaluator, Scored

ALPHA = 0.05
GAIN, DISCORDANCE = 0.1, 0.2
"""The gain that the power is told for, and the least share of differing answers it is told at."""


class Side(msgspec.Struct, frozen=True):
    prompt: str
    accuracy: float
    interval: tuple[float, float]
    n: int


Unit = Literal["case", "group", "relation"]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """One test case: its label, and what it is under each prompt."""

    case: str
    gold: str
    seed: str
    best: str


class Verdict(msgspec.Struct, frozen=True):
    """``gain`` is best minus seed with its paired 95 % interval; ``wins`` and ``losses`` count the
    cases that only one of the two got right. ``p``, which counts below ``alpha``, is the exact
    two-sided McNemar test's where every case stands for itself (``unit`` case). Where cases belong
    together in ``clusters`` of a ``unit``, it is that of flipping the sign of whole clusters, and
    the interval is one over clusters. ``power`` is how often a true gain of ``GAIN`` would be
    proven on as many cases, where these are independent."""

    seed: Side
    best: Side
    n: int
    gain: float
    interval: tuple[float, float]
    p: float
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
    protocol: Protocol = "fixed",
) -> Verdict:
    """Scores both prompts on the same test cases. The only reader of the test split."""
    before = evaluator.score(seed, cases, "serving")
    after = before if best == seed else evaluator.score(best, cases, "serving")
    unit, clusters = belonging(cases, protocol)
    found = compare(
        correct(before, seed),
        correct(after, best),
        seed.id,
        best.id,
        model,
        body,
        alpha=alpha,
        unit=unit,
        clusters=clusters,
    )
    answers = tuple(
        Answer(case.id, case.query.label, case.labels[b.choice(seed)], case.labels[a.choice(best)])
        for case, b, a in zip(cases, before, after, strict=True)
    )
    return msgspec.structs.replace(found, answers=answers)


def belonging(cases: Sequence[Case], protocol: Protocol) -> tuple[Unit, list[str]]:
    """What makes cases alike beyond their text, and each one's share in it: episodes their queries'
    relation, since others will be asked for; rows the group that they were given."""
    if protocol == "episodes":
        return "relation", [case.query.label for case in cases]
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


def correct(scored: Sequence[Scored], by: Calibration) -> list[bool]:
    return [s.correct(by) for s in scored]


def compare(
    before: Sequence[bool],
    after: Sequence[bool],
    seed: str,
    best: str,
    model: str,
    body: str,
    *,
    alpha: float = ALPHA,
    unit: Unit = "case",
    clusters: Sequence[str] = (),
) -> Verdict:
    """The verdict on paired answers. "better" needs p below ``alpha`` in the right direction."""
    from appliance.scoring.statistics import clustered_gain, paired_gain, power_paired

    gain = clustered_gain(before, after, clusters) if clusters else paired_gain(before, after)
    significant = gain.p < alpha
    differing = max((gain.wins + gain.losses) / gain.n, DISCORDANCE)
    power = None if clusters else round(power_paired(gain.n, GAIN, differing, alpha), 3)
    better = significant and gain.gain > 0
    worse = significant and gain.gain < 0
    return Verdict(
        seed=_side(seed, before),
        best=_side(best, after),
        n=gain.n,
        gain=gain.gain,
        interval=(gain.low, gain.high),
        p=gain.p,
        wins=gain.wins,
        losses=gain.losses,
        better=better,
        words="better" if better else "worse" if worse else "no proven gain",
        model=model,
        body=body,
        unit=unit,
        clusters=len(set(clusters)),
        alpha=alpha,
        power=power,
    )


def _side(prompt: str, answers: Sequence[bool]) -> Side:
    from appliance.scoring.statistics import wilson

    estimate = wilson(sum(answers), len(answers))
    return Side(prompt, estimate.value, (estimate.low, estimate.high), estimate.n)
