"""Intervals of proportions and exact tests, for answers that are right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan, sqrt
from statistics import NormalDist

import msgspec


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its confidence interval [low, high] and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int


class RankCorrelation(msgspec.Struct, frozen=True):
    """Spearman's rho over ``n`` pairs; nan where one side is constant."""

    spearman: float
    n: int


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """The score interval of a proportion. Source: E. B. Wilson, JASA 22 (1927).

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Estimate(p, low, high, n)


def mcnemar_exact(b: int, c: int) -> float:
    """The two-sided p that a fair coin parts the discordant pairs as ``b`` against ``c``; 1 where
    there are none.

    Source: McNemar, Psychometrika 12 (1947), in its exact binomial form.
    """
    from scipy.stats import binomtest

    return float(binomtest(b, b + c).pvalue) if b + c else 1.0


def newcombe(both: int, wins: int, losses: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two proportions on the same cases, of which ``wins``
    are right for the second alone and ``losses`` for the first alone.

    It is Newcombe's method 10 (square-and-add of Wilson limits with a continuity-corrected phi):
    Statistics in Medicine 17 (1998), 2635-2650. Raises ValueError for no cases.
    """
    n = both + wins + losses + neither
    new, old = wilson(both + wins, n), wilson(both + losses, n)
    phi = _phi(both, wins, losses, neither)
    gain = (wins - losses) / n
    return (
        gain - _square_and_add(new.value - new.low, old.high - old.value, phi),
        gain + _square_and_add(new.high - new.value, old.value - old.low, phi),
    )


def apart(before: Estimate, after: Estimate) -> tuple[float, float]:
    """The interval of the difference of two figures out of their own intervals, as if they were
    independent (square-and-add, as in ``newcombe``): too wide rather than too narrow where both are
    of the same cases."""
    gain = after.value - before.value
    return (
        gain - _square_and_add(after.value - after.low, before.high - before.value, 0.0),
        gain + _square_and_add(after.high - after.value, before.value - before.low, 0.0),
    )


def _phi(a: int, b: int, c: int, d: int) -> float:
    """The correlation of a 2 x 2 table, shrunk by Newcombe's correction where it is positive."""
    cross = float(a * d - b * c)
    if cross > 0:
        cross = max(cross - (a + b + c + d) / 2, 0.0)
    scale = (a + b) * (c + d) * (a + c) * (b + d)
    return cross / sqrt(scale) if scale else 0.0


def _square_and_add(x: float, y: float, phi: float) -> float:
    return sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0))


def rank_agreement(a: Sequence[float], b: Sequence[float]) -> RankCorrelation:
    """Spearman's rho of two lists of scores for the same things. Raises ValueError unless they are
    of one length."""
    from scipy.stats import spearmanr

    if len(a) != len(b):
        raise ValueError(f"{len(a)} scores against {len(b)}")
    if len(set(a)) < 2 or len(set(b)) < 2:
        return RankCorrelation(nan, len(a))
    return RankCorrelation(float(spearmanr(a, b).statistic), len(a))
