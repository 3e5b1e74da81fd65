"""Is it really better? Seed and winner on the locked test split, paired, by the serving body."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.prompt import Prompt
from appliance.scoring.evaluator import Calibration, Evaluator, Scored
from appliance.task import Case

ALPHA = 0.05


class Side(msgspec.Struct, frozen=True):
    prompt: str
    accuracy: float
    interval: tuple[float, float]
    n: int


class Verdict(msgspec.Struct, frozen=True):
    """``gain`` is best minus seed with its paired 95 % interval; ``p`` is the exact two-sided
    McNemar test's; ``wins`` and ``losses`` count the cases that only one of the two got right."""

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
) -> Verdict:
    """Scores both prompts on the same test cases. The only reader of the test split."""
    before = correct(evaluator.score(seed, cases, "serving"), seed)
    after = before if best == seed else correct(evaluator.score(best, cases, "serving"), best)
    return compare(before, after, seed.id, best.id, model, body)


def correct(scored: Sequence[Scored], by: Calibration) -> list[bool]:
    return [s.correct(by) for s in scored]


def compare(
    before: Sequence[bool], after: Sequence[bool], seed: str, best: str, model: str, body: str
) -> Verdict:
    """The verdict on paired answers. "better" needs p below 0.05 in the right direction."""
    from appliance.scoring.statistics import paired_gain

    gain = paired_gain(before, after)
    significant = gain.p < ALPHA
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
    )


def _side(prompt: str, answers: Sequence[bool]) -> Side:
    from appliance.scoring.statistics import wilson

    estimate = wilson(sum(answers), len(answers))
    return Side(prompt, estimate.value, (estimate.low, estimate.high), estimate.n)
