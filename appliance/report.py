"""A verdict label by label and answer by answer: what a person reads before believing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.verdict import Answer

if TYPE_CHECKING:
    from appliance.scoring.statistics import Estimate, Values

Side = Literal["seed", "best"]


class LabelRow(msgspec.Struct, frozen=True):
    """Of ``n`` cases with that label how many each prompt got right; and how often each prompt
    gave the label at all."""

    label: str
    n: int
    seed_right: int
    best_right: int
    seed_given: int
    best_given: int


class Confused(msgspec.Struct, frozen=True):
    label: str
    said: str
    count: int


def by_label(answers: Sequence[Answer]) -> list[LabelRow]:
    """The most frequent label first."""
    golds = Counter(answer.gold for answer in answers)
    return [
        LabelRow(
            label=label,
            n=n,
            seed_right=sum(a.seed == label for a in answers if a.gold == label),
            best_right=sum(a.best == label for a in answers if a.gold == label),
            seed_given=sum(a.seed == label for a in answers),
            best_given=sum(a.best == label for a in answers),
        )
        for label, n in sorted(golds.items(), key=lambda item: (-item[1], item[0]))
    ]


def confusions(answers: Sequence[Answer]) -> list[Confused]:
    """What the best prompt says instead, the most frequent first."""
    counts = Counter((a.gold, a.best) for a in answers if a.best != a.gold)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Confused(gold, said, count) for (gold, said), count in ordered]


def flips(answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """The cases that only the best prompt gets right, and those that only the seed does."""
    won = [a for a in answers if a.best == a.gold != a.seed]
    lost = [a for a in answers if a.seed == a.gold != a.best]
    return won, lost


def macro_f1(answers: Sequence[Answer], side: Side) -> Estimate:
    """The mean over the labels that occur of 2 TP / (2 TP + FP + FN), with its 95 % bootstrap
    interval over cases."""
    import numpy as np

    from appliance.scoring.statistics import bootstrap_interval

    labels = sorted({a.gold for a in answers} | {getattr(a, side) for a in answers})
    number = {label: i for i, label in enumerate(labels)}
    gold = np.array([number[a.gold] for a in answers])
    said = np.array([number[getattr(a, side)] for a in answers])

    def statistic(drawn: Values) -> float:
        picked = drawn.astype(int)
        truth, given = gold[picked], said[picked]
        support = np.bincount(truth, minlength=len(labels))
        claimed = np.bincount(given, minlength=len(labels))
        right = np.bincount(truth[truth == given], minlength=len(labels))
        present = support > 0
        return float((2 * right[present] / (support + claimed)[present]).mean())

    return bootstrap_interval(range(len(answers)), statistic, seed=0)
