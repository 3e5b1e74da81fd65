"""Intervals, exact tests and power for scores that two prompts earn on the same cases."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import isfinite, nan, sqrt
from statistics import NormalDist

import msgspec
import numpy as np
from numpy.typing import NDArray

RESAMPLES = 9_999
FLIPS = 20_000

Values = NDArray[np.float64]


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its confidence interval [low, high] and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int


class PairedGain(msgspec.Struct, frozen=True):
    """``gain`` in accuracy with its 95 % interval and the two-sided ``p`` of there being none;
    ``wins`` and ``losses`` are discordant cases."""

    gain: float
    low: float
    high: float
    n: int
    wins: int
    losses: int
    p: float


class RankCorrelation(msgspec.Struct, frozen=True):
    """Over ``n`` pairs; nan where one side is constant."""

    spearman: float
    n: int


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Score interval of a proportion. Source: E. B. Wilson, JASA 22 (1927).

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
    """Two-sided p of ``b`` against ``c`` discordant pairs: a fair coin's. 1 if there are none.

    Source: McNemar, Psychometrika 12 (1947), in its exact binomial form.
    """
    from scipy.stats import binomtest

    return float(binomtest(b, b + c).pvalue) if b + c else 1.0


def paired_gain(before: Sequence[bool], after: Sequence[bool]) -> PairedGain:
    """How much more often ``after`` is right than ``before``, case by case.

    ``p`` is that of the exact McNemar test. The interval is Newcombe's method 10 for paired
    proportions (square-and-add of Wilson limits with a continuity-corrected phi): Statistics in
    Medicine 17 (1998), 2635-2650.
    Raises ValueError for no cases, or for sequences of different length.
    """
    n = len(before)
    both = sum(x and y for x, y in zip(before, after, strict=True))
    wins = sum(y and not x for x, y in zip(before, after, strict=True))
    losses = sum(x and not y for x, y in zip(before, after, strict=True))
    new, old = wilson(both + wins, n), wilson(both + losses, n)
    phi = _phi(both, wins, losses, n - both - wins - losses)
    gain = (wins - losses) / n
    return PairedGain(
        gain=gain,
        low=gain - _square_and_add(new.value - new.low, old.high - old.value, phi),
        high=gain + _square_and_add(new.high - new.value, old.value - old.low, phi),
        n=n,
        wins=wins,
        losses=losses,
        p=mcnemar_exact(wins, losses),
    )


def clustered_gain(
    before: Sequence[bool], after: Sequence[bool], clusters: Sequence[str]
) -> PairedGain:
    """As ``paired_gain``, where cases of one cluster depend on one another.

    ``p`` is that of flipping the signs of the clusters' sums (``sign_flip``), exact up to 14
    clusters; fewer than 6 can prove nothing at 0.05. The interval redraws whole clusters and is a
    little short where they are few. With a single cluster it is [-1, 1].
    """
    plain = paired_gain(before, after)
    names = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    sums, sizes = np.zeros(len(names)), np.zeros(len(names))
    for name, old, new in zip(clusters, before, after, strict=True):
        sums[names[name]] += float(new) - float(old)
        sizes[names[name]] += 1
    low, high = -1.0, 1.0
    if len(names) > 1:
        drawn = np.random.default_rng(0).integers(len(names), size=(RESAMPLES, len(names)))
        gains = sums[drawn].sum(1) / sizes[drawn].sum(1)
        low, high = map(float, np.quantile(gains, [0.025, 0.975]))
    return msgspec.structs.replace(plain, low=low, high=high, p=sign_flip(sums.tolist(), seed=0))


def _phi(a: int, b: int, c: int, d: int) -> float:
    """Correlation of a 2 x 2 table, shrunk by Newcombe's correction where it is positive."""
    cross = float(a * d - b * c)
    if cross > 0:
        cross = max(cross - (a + b + c + d) / 2, 0.0)
    scale = (a + b) * (c + d) * (a + c) * (b + d)
    return cross / sqrt(scale) if scale else 0.0


def _square_and_add(x: float, y: float, phi: float) -> float:
    return sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0))


def sign_flip(differences: Sequence[float], seed: int) -> float:
    """Two-sided p of Fisher's randomisation test that paired differences centre on zero.

    Exact up to 14 non-zero differences; beyond, 20,000 random flips with one added to both counts
    (Phipson and Smyth, SAGMB 9, 2010), so that p is never 0.
    """
    from scipy.stats import permutation_test

    nonzero = np.array([d for d in differences if d], dtype=np.float64)
    if len(nonzero) < 2:
        return 1.0
    test = permutation_test(
        (nonzero,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        batch=1_000,
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable[[Values], float],
    seed: int,
    clusters: Sequence[str] | None = None,
) -> Estimate:
    """95 % bootstrap interval of ``statistic(values)``.

    BCa (Efron, JASA 82, 1987) for independent values; a percentile interval where BCa is undefined,
    or over whole clusters, redrawn together, where values of a cluster depend on one another
    (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8). ``n`` counts values, or clusters.
    Raises ValueError for fewer than two.
    """
    data = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    names = range(len(data)) if clusters is None else clusters
    members: dict[object, list[int]] = {}
    for index, name in zip(range(len(data)), names, strict=True):
        members.setdefault(name, []).append(index)
    groups = [data[indices] for indices in members.values()]
    if len(groups) < 2:
        raise ValueError("an interval needs two values or clusters at least")
    interval = _bca(data, statistic, rng) if clusters is None else None
    low, high = interval or _percentile(groups, statistic, rng)
    return Estimate(float(statistic(data)), low, high, len(groups))


def _bca(
    data: Values, statistic: Callable[[Values], float], rng: np.random.Generator
) -> tuple[float, float] | None:
    """None where the resamples or the jackknife values are all alike."""
    from scipy.stats import bootstrap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interval = bootstrap(
            (data,), statistic, vectorized=False, n_resamples=RESAMPLES, rng=rng
        ).confidence_interval
    low, high = float(interval.low), float(interval.high)
    return (low, high) if isfinite(low) and isfinite(high) else None


def _percentile(
    groups: Sequence[Values], statistic: Callable[[Values], float], rng: np.random.Generator
) -> tuple[float, float]:
    count = len(groups)
    draws = [
        statistic(np.concatenate([groups[i] for i in rng.integers(count, size=count)]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def rank_agreement(a: Sequence[float], b: Sequence[float]) -> RankCorrelation:
    """Spearman's rho of two lists of scores for the same things. Raises ValueError unless they are
    of one length."""
    from scipy.stats import spearmanr

    if len(a) != len(b):
        raise ValueError(f"{len(a)} scores against {len(b)}")
    if len(set(a)) < 2 or len(set(b)) < 2:
        return RankCorrelation(nan, len(a))
    return RankCorrelation(float(spearmanr(a, b).statistic), len(a))


def power_paired(n: int, gain: float, discordance: float, alpha: float = 0.05) -> float:
    """Chance that the exact McNemar test on ``n`` cases gives p <= ``alpha``.

    ``discordance`` is the share of cases on which the two prompts differ, ``gain`` the share won
    less the share lost. Summed over the number of discordant cases, which is binomial, and the wins
    among them: Duffy, Biometrics 40 (1984). Raises ValueError unless |gain| <= discordance <= 1 and
    n > 0.
    """
    from scipy.stats import binom

    if not abs(gain) <= discordance <= 1 or n < 1:
        raise ValueError(f"gain {gain} and discordance {discordance} of {n} cases cannot be")
    if discordance == 0:
        return 0.0
    differing = np.arange(n + 1)
    wins = (1 + gain / discordance) / 2
    critical = binom.ppf(alpha / 2, differing, 0.5)
    critical -= 2 * binom.cdf(critical, differing, 0.5) > alpha
    rejects = binom.cdf(critical, differing, wins) + binom.cdf(critical, differing, 1 - wins)
    return float(np.sum(binom.pmf(differing, n, discordance) * rejects))
