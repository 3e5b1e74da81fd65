"""Precision, recall and F1 of counts, and their spread over several sampled files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, pstdev

import msgspec

from appliance.task import Tally


class Prf(msgspec.Struct, frozen=True):
    """Precision, recall and F1 of summed counts: true positives, false positives and false
    negatives. A figure is 0 where there is nothing to divide by."""

    precision: float
    recall: float
    f1: float
    tp: int
    fp: int
    fn: int


class Spread(msgspec.Struct, frozen=True):
    """The spread of ``n`` values. ``std`` is the population's standard deviation. ``stable`` is the
    mean minus twice ``std``, by which GradPO selects prompts (Chakma, Blanco and Surdeanu, 2026, as
    their published code has it)."""

    mean: float
    std: float
    stable: float
    n: int


def prf(tallies: Iterable[Tally]) -> Prf:
    """Returns micro-averaged figures: the counts of all cases are summed first."""
    tp = fp = fn = 0
    for hit, wrong, missed in tallies:
        tp, fp, fn = tp + hit, fp + wrong, fn + missed
    return Prf(
        precision=tp / max(tp + fp, 1),
        recall=tp / max(tp + fn, 1),
        f1=2 * tp / max(2 * tp + fp + fn, 1),
        tp=tp,
        fp=fp,
        fn=fn,
    )


def over_parts(values: Sequence[float]) -> Spread:
    """Returns the spread of the values. Raises ValueError for no values."""
    if not values:
        raise ValueError("a spread needs a value at least")
    mean, std = fmean(values), pstdev(values)
    return Spread(mean, std, mean - 2 * std, len(values))
