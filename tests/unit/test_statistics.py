"""Intervals, tests and power against published values, scipy, and simulation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from math import comb, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.scoring.statistics import (
    bootstrap_interval,
    mcnemar_exact,
    paired_gain,
    power_paired,
    rank_agreement,
    sign_flip,
    wilson,
)


def table(both: int, losses: int, wins: int, neither: int) -> tuple[list[bool], list[bool]]:
    before = [True] * (both + losses) + [False] * (wins + neither)
    after = [True] * both + [False] * losses + [True] * wins + [False] * neither
    return before, after


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
    [((36, 2, 12, 0), 0.0569, 0.3404), ((1, 7, 1, 12), -0.5069, -0.0256)],
)
def test_the_paired_interval_is_newcombe_s_method_10(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = paired_gain(*table(*counts))
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_a_paired_gain_counts_wins_and_losses_of_the_second() -> None:
    found = paired_gain(*table(both=50, losses=5, wins=20, neither=25))
    assert (found.n, found.wins, found.losses) == (100, 20, 5)
    assert found.gain == pytest.approx(0.15)
    assert found.p == mcnemar_exact(20, 5)
    assert 0 < found.low < found.gain < found.high


def test_no_difference_still_has_an_interval() -> None:
    found = paired_gain([True] * 15, [True] * 15)
    assert (found.gain, found.p) == (0.0, 1.0)
    assert -found.low == found.high == pytest.approx(0.2039, abs=1e-4)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_exchanging_the_prompts_mirrors_the_gain(pairs: list[tuple[bool, bool]]) -> None:
    before, after = zip(*pairs, strict=True)
    there, back = paired_gain(before, after), paired_gain(after, before)
    assert (there.gain, there.wins, there.p) == (-back.gain, back.losses, back.p)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert -1 <= there.low <= there.gain <= there.high <= 1


def test_a_gain_of_nothing_or_of_uneven_lists_is_refused() -> None:
    with pytest.raises(ValueError, match="0 successes of 0"):
        paired_gain([], [])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        paired_gain([True], [True, False])


@pytest.mark.parametrize("probabilities", [(0.5, 0.05, 0.2, 0.25), (0.9, 0.03, 0.03, 0.04)])
def test_the_paired_interval_covers_the_true_gain(probabilities: Sequence[float]) -> None:
    rng = np.random.default_rng(11)
    truth = probabilities[2] - probabilities[1]
    found = [paired_gain(*table(*rng.multinomial(120, probabilities))) for _ in range(600)]
    covered = np.mean([g.low <= truth <= g.high for g in found])
    assert 0.925 <= covered <= 0.99


def test_sign_flip_is_exact_for_few_differences() -> None:
    assert sign_flip([1, 2, 3, 4], seed=0) == pytest.approx(2 / 16)
    assert sign_flip([1, 2, 3, -4, 0, 0], seed=0) == pytest.approx(14 / 16)
    assert sign_flip([0.0] * 5, seed=0) == 1.0
    assert sign_flip([3.0], seed=0) == 1.0
    assert sign_flip([1.0] * 14, seed=0) == pytest.approx(2 / 2**14)


def test_sign_flip_samples_many_differences_and_never_says_zero() -> None:
    assert sign_flip([1.0] * 40, seed=0) == pytest.approx(2 / 20_001)
    mixed = list(np.random.default_rng(3).normal(0.3, 1, size=60))
    assert sign_flip(mixed, seed=1) == sign_flip(mixed, seed=1)
    from scipy.stats import ttest_1samp

    assert sign_flip(mixed, seed=1) == pytest.approx(ttest_1samp(mixed, 0).pvalue, abs=0.01)


def test_sign_flip_rejects_a_true_null_at_its_level() -> None:
    rng = np.random.default_rng(4)
    rejected = [sign_flip(rng.normal(size=10).tolist(), seed=0) <= 0.05 for _ in range(200)]
    assert np.mean(rejected) <= 0.08


def test_the_bootstrap_interval_of_a_mean_is_close_to_student_s() -> None:
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(5).normal(2, 1, size=80)
    found = bootstrap_interval(values.tolist(), np.mean, seed=0)
    theirs = ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)
    assert found.value == pytest.approx(values.mean())
    assert found.n == 80
    assert found == bootstrap_interval(values.tolist(), np.mean, seed=0)


def test_the_bootstrap_of_equal_values_has_no_width() -> None:
    found = bootstrap_interval([1.0, 1.0, 1.0], np.mean, seed=0)
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


def test_values_that_stand_in_clusters_widen_the_interval() -> None:
    effects = np.random.default_rng(6).normal(size=12)
    values = np.repeat(effects, 10).tolist()
    clusters = [str(i // 10) for i in range(120)]
    alone = bootstrap_interval(values, np.mean, seed=0)
    grouped = bootstrap_interval(values, np.mean, seed=0, clusters=clusters)
    assert grouped.n == 12
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_a_bootstrap_of_one_value_or_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="two values"):
        bootstrap_interval([1.0], np.mean, seed=0)
    with pytest.raises(ValueError, match="two values"):
        bootstrap_interval([1.0, 2.0], np.mean, seed=0, clusters=["a", "a"])


def test_rank_agreement_sees_order_and_not_size() -> None:
    same = rank_agreement([1, 2, 3, 4], [10, 20, 300, 4000])
    assert (same.spearman, same.n) == (pytest.approx(1), 4)
    one_swap = rank_agreement([1, 2, 3, 4], [1, 2, 4, 3])
    assert one_swap.spearman == pytest.approx(0.8)


def test_rank_agreement_with_a_constant_is_undefined() -> None:
    assert isnan(rank_agreement([1, 1, 1], [1, 2, 3]).spearman)


def direct_power(n: int, gain: float, discordance: float, alpha: float) -> float:
    wins, losses = (discordance + gain) / 2, (discordance - gain) / 2
    return sum(
        comb(n, b) * comb(n - b, c) * wins**b * losses**c * (1 - discordance) ** (n - b - c)
        for b in range(n + 1)
        for c in range(n - b + 1)
        if mcnemar_exact(b, c) <= alpha
    )


@pytest.mark.parametrize("case", [(20, 0.3, 0.4, 0.05), (25, 0.0, 0.6, 0.05), (15, -0.5, 0.5, 0.2)])
def test_power_is_the_sum_over_all_tables(case: tuple[int, float, float, float]) -> None:
    assert power_paired(*case) == pytest.approx(direct_power(*case), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.floats(0.01, 1))
def test_power_without_a_gain_never_exceeds_alpha(n: int, discordance: float) -> None:
    assert power_paired(n, 0.0, discordance) <= 0.05 + 1e-12


def test_power_grows_with_cases_and_is_none_without_discordance() -> None:
    powers = [power_paired(n, 0.05, 0.2) for n in (100, 400, 1500)]
    assert powers == sorted(powers)
    assert powers[0] < 0.3
    assert powers[2] > 0.95
    assert power_paired(100, 0.0, 0.0) == 0.0
    with pytest.raises(ValueError, match="cannot be"):
        power_paired(100, 0.3, 0.2)


def test_importing_the_statistics_does_not_load_scipy() -> None:
    code = "import sys, appliance.scoring.statistics; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
