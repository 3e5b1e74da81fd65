"""Is it really better? Seed and winner on the locked test split, paired, by the serving body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from appliance.prompt import Prompt
from appliance.task import Case

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


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """One test case: its label, and what it is under each prompt."""

    case: str
    gold: str
    seed: str
    best: str


class Verdict(msgspec.Struct, frozen=True):
    """``gain`` is best minus seed with its paired 95 % interval; ``p`` is the exact two-sided
    McNemar test's, which counts below ``alpha``; ``wins`` and ``losses`` count the cases that only
    one of the two got right. ``power`` is how often a true gain of ``GAIN`` would be proven on as
    many cases."""

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
    unit: str = "case"
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
) -> Verdict:
    """Scores both prompts on the same test cases. The only reader of the test split."""
    before = evaluator.score(seed, cases, "serving")
    after = before if best == seed else evaluator.score(best, cases, "serving")
    found = compare(
        correct(before, seed), correct(after, best), seed.id, best.id, model, body, alpha
    )
    answers = tuple(
        Answer(case.id, case.query.label, case.labels[b.choice(seed)], case.labels[a.choice(best)])
        for case, b, a in zip(cases, before, after, strict=True)
    )
    return msgspec.structs.replace(found, answers=answers)


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
    alpha: float = ALPHA,
) -> Verdict:
    """The verdict on paired answers. "better" needs p below ``alpha`` in the right direction."""
    from appliance.scoring.statistics import paired_gain, power_paired

    gain = paired_gain(before, after)
    significant = gain.p < alpha
    differing = max((gain.wins + gain.losses) / gain.n, DISCORDANCE)
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
        alpha=alpha,
        power=round(power_paired(gain.n, GAIN, differing, alpha), 3),
    )


def _side(prompt: str, answers: Sequence[bool]) -> Side:
    from appliance.scoring.statistics import wilson

    estimate = wilson(sum(answers), len(answers))
    return Side(prompt, estimate.value, (estimate.low, estimate.high), estimate.n)
