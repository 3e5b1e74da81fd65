"""Randomisation tests: a fair coin deals the two results of every case to the two prompts. How
often do the prompts then differ as much as they do?

Sources: Fisher, The Design of Experiments (1935), section 21; for F1 Noreen, Computer-Intensive
Methods (1989), and Yeh, COLING 2000. Up to 20,000 different outcomes of the coin are all counted.
Where there are more, 20,000 are drawn and one is added to both counts, so that p is never 0
(Phipson and Smyth, SAGMB 9, 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from appliance.statistics.bootstrap import (
    AT_ONCE,
    Counts,
    Figure,
    Rows,
)

OUTCOMES = 20_000
"""The number of outcomes that are counted or drawn at most."""


def sign_flip(differences: Sequence[float] | Rows) -> float:
    """The two-sided p that paired differences centre on zero; 1 where all are zero."""
    found = np.array([d for d in differences if abs(d) > 1e-9], dtype=np.float64)
    size = np.abs(found)
    _, first, counts = np.unique(size.round(9), return_index=True, return_counts=True)

    def apart(flipped: Rows) -> Rows:
        return np.abs((counts - 2 * flipped) @ size[first, None])

    return _p(apart, counts, np.abs([found.sum()]))


def swap(before: Rows, after: Rows, value: Figure, slope: Figure) -> float:
    """The two-sided p that two prompts with results [units, k] have the same figure. ``value``
    takes sums [..., k] to figures [...], ``slope`` takes them to the gradient [..., k]. The figure
    may not depend on scale.

    It is the larger p of two statistics: the difference, and the difference over its standard error
    by the delta method (Janssen, Statistics and Probability Letters 36, 1997; Chung and Romano,
    Annals of Statistics 41, 2013). Each is exact where a coin could have dealt the results. Where
    one prompt finds more and the other is more often right, their F1 may be the same although no
    coin dealt them. There 0.025 of 1,000 tests should say "better"; the difference alone did so in
    up to 0.105 (50 cases to find among 1,000), the other statistic alone in up to 0.242 (10 among
    200). The larger p is seldom far off (``tests/bench/positives.py``).
    """
    width = before.shape[1]
    signs = np.sign(before - after)
    turned = signs[np.arange(len(signs)), (signs != 0).argmax(1)] > 0
    both = np.concatenate([before, after], axis=1)
    both[turned] = np.concatenate([after[turned], before[turned]], axis=1)
    pairs, kinds, counts = np.unique(both, axis=0, return_inverse=True, return_counts=True)
    dealt = np.bincount(kinds.reshape(-1), turned.astype(np.float64), len(pairs))
    differ = (pairs[:, :width] != pairs[:, width:]).any(1)
    x, y, same = pairs[differ, :width], pairs[differ, width:], pairs[~differ, :width]
    fixed, common = counts[~differ], counts[differ]

    def apart(swapped: Rows) -> Rows:
        kept = common - swapped
        old = fixed @ same + kept @ x + swapped @ y
        new = fixed @ same + kept @ y + swapped @ x
        gain = np.abs(value(new) - value(old))
        was, now = slope(old), slope(new)
        variance = (
            (kept * (now @ y.T - was @ x.T) ** 2).sum(1)
            + (swapped * (now @ x.T - was @ y.T) ** 2).sum(1)
            + ((now - was) @ same.T) ** 2 @ fixed
        )
        gain = np.where(gain < 1e-12, 0.0, gain)
        return np.stack([gain, gain / np.sqrt(np.maximum(variance, 1e-24))], axis=1)

    return _p(apart, common, apart(dealt[differ][None])[0])


def _p(apart: Figure, counts: Counts, observed: Rows) -> float:
    """The largest p of the m statistics. ``apart`` takes the numbers of units of each kind that are
    dealt the other way round [draws, kinds] to the statistics [draws, m]."""
    if len(counts) == 0:
        return 1.0
    least = observed * (1 - 1e-8)
    if prod(int(count) + 1 for count in counts) <= OUTCOMES:
        dealt, chance = _all(counts)
        return float(min(1.0, (chance @ (apart(dealt) >= least)).max()))
    random = np.random.default_rng(0)
    block = max(1, min(OUTCOMES, AT_ONCE // len(counts)))
    sizes = [min(block, OUTCOMES - start) for start in range(0, OUTCOMES, block)]
    drawn = (random.binomial(counts, 0.5, (size, len(counts))).astype(float) for size in sizes)
    reached = sum((apart(dealt) >= least).sum(0) for dealt in drawn)
    return float((1 + reached.max()) / (1 + OUTCOMES))


def _all(counts: Counts) -> tuple[Rows, Rows]:
    """Returns every outcome [outcomes, kinds] and its chance."""
    from scipy.stats import binom

    axes = np.meshgrid(*(np.arange(count + 1) for count in counts), indexing="ij")
    dealt = np.stack([axis.reshape(-1) for axis in axes], axis=1)
    return dealt.astype(float), binom.pmf(dealt, counts, 0.5).prod(1)
