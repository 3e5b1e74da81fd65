"""Intervals and tests of proportions against published values, scipy, and simulation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from math import comb, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.statistics.proportions import (
    mcnemar_exact,
    newcombe,
    rank_agreement,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_intervals_published_by_newcombe(
    successes: int, n: int, low: float, high: float
) -> None:
    found = wilson(successes, n)
    assert (found.value, found.n) == (successes / n, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_wilson_agrees_with_scipy(n: int, data: st.DataObject) -> None:
    from scipy.stats import binomtest

    k = data.draw(st.integers(0, n))
    theirs = binomtest(k, n).proportion_ci(0.9, method="wilson")
    ours = wilson(k, n, confidence=0.9)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, n)


def test_mcnemar_is_the_fair_coin_of_the_discordant_pairs() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 5) == 1.0
    assert mcnemar_exact(1, 7) == pytest.approx(2 * 9 / 2**8)
    assert mcnemar_exact(21, 9) == mcnemar_exact(9, 21)
    tail = sum(comb(30, i) for i in range(10)) / 2**30
    assert mcnemar_exact(9, 21) == pytest.approx(2 * tail)


@pytest.mark.parametrize("n", [10, 25, 60, 150])
def test_mcnemar_rejects_a_true_null_at_most_as_often_as_it_says(n: int) -> None:
    chance = sum(comb(n, b) for b in range(n + 1) if mcnemar_exact(b, n - b) <= 0.05) / 2**n
    assert chance <= 0.05
    assert n == 10 or chance > 0.01


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((1, 1, 7, 12), -0.5069, -0.0256)],
)
def test_the_interval_of_a_paired_difference_is_newcombe_s_method_10(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    assert newcombe(*counts) == pytest.approx((low, high), abs=6e-5)


def test_no_difference_still_has_an_interval() -> None:
    low, high = newcombe(15, 0, 0, 0)
    assert -low == high == pytest.approx(0.2039, abs=1e-4)


@pytest.mark.parametrize("probabilities", [(0.5, 0.2, 0.05, 0.25), (0.9, 0.03, 0.03, 0.04)])
def test_the_interval_of_a_paired_difference_covers_the_truth(
    probabilities: Sequence[float],
) -> None:
    rng = np.random.default_rng(11)
    truth = probabilities[1] - probabilities[2]
    found = [newcombe(*rng.multinomial(120, probabilities)) for _ in range(600)]
    assert 0.925 <= np.mean([low <= truth <= high for low, high in found]) <= 0.99


def test_rank_agreement_sees_order_and_not_size() -> None:
    same = rank_agreement([1, 2, 3, 4], [10, 20, 300, 4000])
    assert (same.spearman, same.n) == (pytest.approx(1), 4)
    one_swap = rank_agreement([1, 2, 3, 4], [1, 2, 4, 3])
    assert one_swap.spearman == pytest.approx(0.8)


def test_rank_agreement_with_a_constant_is_undefined() -> None:
    assert isnan(rank_agreement([1, 1, 1], [1, 2, 3]).spearman)


@pytest.mark.parametrize(
    "module",
    [
        *("statistics.proportions", "statistics.paired", "statistics.claims", "statistics.power"),
        "calibrate.reliability",
    ],
)
def test_importing_the_statistics_does_not_load_scipy(module: str) -> None:
    code = f"import sys, appliance.{module}; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
