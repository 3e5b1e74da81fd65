"""The mean F1 over labels as a function of summed counts.

It is micro-F1 where the counts are of one label, else macro-F1. The positives of a label are the
cases that have it, TP + FN.
"""

from __future__ import annotations

import numpy as np

from appliance.statistics.bootstrap import Figure, Rows
from appliance.statistics.metrics import f1


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
