"""The mean F1 over labels as a function of summed counts.

It is micro-F1 where the counts are of one label, else macro-F1. The positives of a label are the
cases that have it, TP + FN.
"""

from __future__ import annotations

import numpy as np

from appliance.statistics.bootstrap import Figure, Rows
from appliance.statistics.metrics import f1

LEAST_POSITIVES = 15
"""The number of cases with something to find that an F1 needs (``tests/bench/positives.py``).

Take 5 % such cases and two prompts of the same F1, one of which finds at least twice as many: 0.025
of the tests at p < 0.05 should say "better". Of 2,000 tests up to 0.160 do so with 3 such cases,
0.081 with 5, 0.043 with 10, 0.032 with 15, and at most 0.054 with more. Further looks show the
same. For macro-F1 with a rare label beside a frequent one the harmonic mean of their cases decides
likewise: 0.122 of 1,000 tests say "better" at 5, 0.082 at 9, 0.050 at 15.
"""


def mean_f1(sums: Rows) -> Rows:
    """Returns the mean F1 of sums [..., 3 labels] of (TP, FP, FN) over the labels with positives; 0
    where none has any."""
    counts, shares = _by_label(sums)
    return np.asarray((f1(counts) * shares).sum(-1))


def mean_f1_of_draws(whole: Rows) -> Figure:
    """Returns ``mean_f1`` as a function of draws from cases whose counts add to ``whole``
    [3 labels]. The labels are those of all the cases. A draw without positives of a label says
    nothing about it; there the label keeps its F1 of all the cases.

    Were it left out of the mean, a prompt that never answers a rare label would reach 1 in such a
    draw, which it cannot. Were its F1 0, a mean over many rare labels would be drawn too low.
    """
    counts, shares = _by_label(whole)
    own = f1(counts)

    def value(sums: Rows) -> Rows:
        drawn = sums.reshape(*sums.shape[:-1], -1, 3)
        occurs = drawn[..., 0] + drawn[..., 2] > 0
        return np.asarray((np.where(occurs, f1(drawn), own) * shares).sum(-1))

    return value


def rests_on(units: Rows) -> int:
    """Returns on how many of the units [units, 3 labels] the mean rests: on those with positives of
    the rarest label that has any. Where no label has any, these are the units with any count."""
    counts = units.reshape(len(units), -1, 3)
    positives = (counts[..., 0] + counts[..., 2] > 0).sum(0)
    return int(positives[positives > 0].min() if positives.any() else counts.any((1, 2)).sum())


def slope(sums: Rows) -> Rows:
    """The gradient of ``mean_f1``, in the shape of ``sums``."""
    counts, shares = _by_label(sums)
    value = f1(counts)
    total = np.maximum(2 * counts[..., 0] + counts[..., 1] + counts[..., 2], 1e-12)
    gradient = np.stack([2 - 2 * value, -value, -value], axis=-1)
    return np.asarray((gradient * (shares / total)[..., None]).reshape(sums.shape))


def _by_label(sums: Rows) -> tuple[Rows, Rows]:
    """Returns counts [..., labels, 3] and the share that each label has in the mean."""
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    positives = counts[..., 0] + counts[..., 2] > 0
    return counts, positives / np.maximum(positives.sum(-1, keepdims=True), 1)
