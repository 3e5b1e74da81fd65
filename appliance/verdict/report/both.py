"""Figures of the two prompts side by side, over the same cases."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Literal, TypeVar

import msgspec
import numpy as np

from appliance.statistics.bootstrap import Rows, estimates
from appliance.statistics.proportions import Estimate, wilson
from appliance.task import Tally
from appliance.verdict.verdict import Answer

T = TypeVar("T")
Name = Literal["seed", "best"]


class Both(msgspec.Struct, Generic[T], frozen=True):
    """Something of the seed prompt and the same of the best prompt."""

    seed: T
    best: T


class Rates(msgspec.Struct, frozen=True):
    """Precision with the number of predictions as its n, recall with the number of positives, F1
    with the number of cases."""

    precision: Estimate
    recall: Estimate
    f1: Estimate


def both(make: Callable[[Name], T]) -> Both[T]:
    return Both(make("seed"), make("best"))


def predicted(answer: Answer, name: Name) -> str:
    return answer.seed if name == "seed" else answer.best


def tally(answer: Answer, name: Name) -> Tally:
    return answer.seed_tally if name == "seed" else answer.best_tally


def credit(answer: Answer, name: Name) -> float:
    return answer.seed_credit if name == "seed" else answer.best_credit


def exact(answer: Answer, name: Name) -> bool:
    """Whether nothing was predicted wrongly and nothing missed."""
    _, wrong, missed = tally(answer, name)
    return wrong == missed == 0


def share(flags: Sequence[bool]) -> Estimate:
    """Returns the share of true flags with Wilson's interval."""
    return wilson(sum(flags), len(flags))


def means(answers: Sequence[Answer], name: Name, clusters: Sequence[Hashable]) -> Estimate:
    """Returns the mean of how far each answer is right, with a bootstrap interval."""
    rows = np.array([(credit(a, name), 1.0) for a in answers])
    return estimates(rows, lambda sums: sums[..., :1] / sums[..., 1:], clusters)[0]


def rated(tallies: Sequence[Tally], clusters: Sequence[Hashable] = ()) -> Rates:
    """Returns the figures of summed counts (micro-averaged), with bootstrap intervals."""
    rows = np.array(tallies, dtype=np.float64)
    hits, wrong, missed = map(int, rows.sum(0))
    precision, recall, f1 = estimates(rows, _rates, clusters, _resting)
    return Rates(_rate(precision, hits, hits + wrong), _rate(recall, hits, hits + missed), f1)


def _rates(sums: Rows) -> Rows:
    """Takes counts [..., (TP, FP, FN)] to [..., (precision, recall, F1)]; 0 / 0 is 0."""
    hits, wrong, missed = (sums[..., i] for i in range(3))
    parts = (hits + wrong, hits + missed, hits + (wrong + missed) / 2)
    return np.stack([hits / np.maximum(part, 1e-12) for part in parts], axis=-1)


def _resting(units: Rows) -> list[int]:
    """Returns how many units each figure rests on: precision on those with a prediction, recall on
    those with something to find, F1 on those with either."""
    hits, wrong, missed = units.T > 0
    return [int(each.sum()) for each in (hits | wrong, hits | missed, hits | wrong | missed)]


def _rate(found: Estimate, hits: int, n: int) -> Estimate:
    """Returns the figure with ``n``, of which it is a share. It has Wilson's interval where the
    bootstrap's has no width."""
    if n and found.low == found.high:
        return wilson(hits, n)
    return msgspec.structs.replace(found, n=n)
