"""Bootstrap intervals of figures that are functions of sums over cases, such as means and F1."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from appliance.statistics.proportions import Estimate, wilson

RESAMPLES = 9_999
AT_ONCE = 4_000_000
"""The number of values that are in memory together."""

Rows = NDArray[np.float64]
Counts = NDArray[np.int64]
Figure = Callable[[Rows], Rows]
"""A function of sums."""

Basis = Callable[[Rows], Sequence[int]]
"""A function of units [units, k] that returns on how many of them each figure rests."""


def estimates(
    rows: Rows, statistic: Figure, clusters: Sequence[Hashable] = (), basis: Basis | None = None
) -> list[Estimate]:
    """Returns figures of the summed ``rows`` [cases, k] with their 95 % intervals. ``statistic``
    takes sums [..., k] to figures [..., m], each from 0 to 1 or a difference of two such figures.

    The intervals are BCa (Efron, JASA 82, 1987) over cases. Where cases of a cluster depend on one
    another, whole clusters are redrawn (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8)
    and the normal quantile is widened to Student's (Hesterberg, The American Statistician 69,
    2015): the intervals of 8 clusters then cover the truth in 0.94 of 500 trials, without it in
    0.89. Where all draws are 0, or all are 1, the interval is Wilson's over the units that the
    figure rests on (``basis``; else those with any count). The interval of a single unit is [0, 1].
    """
    n = len(rows)
    units = within(rows, clusters)
    size = len(units)
    values = statistic(rows.sum(0))
    if size < 2:
        return [Estimate(float(value), 0.0, 1.0, n) for value in values]
    kinds, counts = np.unique(units, axis=0, return_counts=True)
    drawn = _draws(kinds, counts, statistic)
    left_out = statistic(rows.sum(0) - kinds)
    z = _student(size) if clusters else NormalDist().inv_cdf(0.975)
    resting = basis(units) if basis else [int(units.any(1).sum())] * len(values)
    found = []
    for value, draws, left, on in zip(values.tolist(), drawn.T, left_out.T, resting, strict=True):
        if value in (-1, 0, 1) and (draws == value).all():
            bounds = _without_width(value, on)
        else:
            bounds = _bca(value, draws, left, counts, z)
        found.append(Estimate(value, *bounds, n))
    return found


def within(rows: Rows, clusters: Sequence[Hashable]) -> Rows:
    """Returns the sums of each cluster, in the order of their first rows; the rows themselves where
    there are no clusters."""
    if not clusters:
        return rows
    names = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, [names[name] for _, name in zip(rows, clusters, strict=True)], rows)
    return sums.round(12)


def _without_width(value: float, units: int) -> tuple[float, float]:
    """Returns Wilson's interval of a figure that is the same in all draws."""
    if units == 0:
        return 0.0, 1.0
    found = wilson(units if value else 0, units)
    return (-found.high, -found.low) if value < 0 else (found.low, found.high)


def _draws(kinds: Rows, counts: Counts, statistic: Figure) -> Rows:
    random = np.random.default_rng(0)
    total, block = counts.sum(), max(1, AT_ONCE // max(kinds.shape))
    sizes = [min(block, RESAMPLES - start) for start in range(0, RESAMPLES, block)]
    return np.concatenate(
        [statistic(random.multinomial(total, counts / total, size) @ kinds) for size in sizes]
    )


def _bca(
    value: float, drawn: Rows, left_out: Rows, counts: Counts, z: float
) -> tuple[float, float]:
    """Returns the BCa interval. A draw equal to the value counts half. The interval is not
    accelerated where leaving out a row changes nothing."""
    normal = NormalDist()
    below = float((drawn < value).mean() + (drawn <= value).mean()) / 2
    least = 0.5 / len(drawn)
    bias = normal.inv_cdf(min(max(below, least), 1 - least))
    away = np.average(left_out, weights=counts) - left_out
    spread = float(counts @ away**2)
    skew = float(counts @ away**3) / (6 * spread**1.5) if spread > 1e-18 else 0.0
    levels = [
        normal.cdf(bias + (bias + end) / max(1 - skew * (bias + end), 1e-9)) for end in (-z, z)
    ]
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def _student(size: int) -> float:
    """Student's quantile for ``size`` clusters, scaled to replace the normal one."""
    from scipy.stats import t

    return float(t.ppf(0.975, size - 1) * sqrt(size / (size - 1)))
