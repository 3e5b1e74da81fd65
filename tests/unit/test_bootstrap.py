"""Bootstrap intervals against scipy, Student and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.statistics.bootstrap import Rows, estimates
from appliance.statistics.f1 import mean_f1


def means(values: Rows) -> Rows:
    return np.stack([values, np.ones(len(values))], axis=1)


def ratio(sums: Rows) -> Rows:
    return np.asarray(sums[..., :1] / sums[..., 1:])


def f1(sums: Rows) -> Rows:
    return mean_f1(sums)[..., None]


def test_a_skewed_mean_has_the_interval_that_scipy_gives() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(0).exponential(size=40).round(2)
    [found] = estimates(means(values), ratio)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(1))
    low, high = theirs.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert (found.value, found.n) == (pytest.approx(values.mean()), 40)


def test_a_ratio_of_sums_has_the_interval_that_scipy_gives() -> None:
    from scipy.stats import bootstrap

    counts = np.random.default_rng(2).poisson([0.6, 0.4, 0.5], size=(50, 3)).astype(float)
    [found] = estimates(counts, f1)
    theirs = bootstrap(
        tuple(counts.T),
        lambda tp, fp, fn, axis=-1: (2 * tp).sum(axis) / (2 * tp + fp + fn).sum(axis),
        paired=True,
        n_resamples=20_000,
        rng=np.random.default_rng(3),
    )
    low, high = theirs.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.012)


def test_the_order_of_cases_changes_nothing() -> None:
    counts = np.random.default_rng(4).poisson(1.0, size=(30, 3)).astype(float)
    assert estimates(counts, f1) == estimates(counts[::-1], f1)


def test_several_figures_come_from_the_same_draws() -> None:
    counts = np.random.default_rng(5).poisson(1.0, size=(30, 3)).astype(float)

    def both(sums: Rows) -> Rows:
        return np.concatenate([f1(sums), 1 - f1(sums)], axis=-1)

    there, back = estimates(counts, both)
    assert (there.low, there.high) == pytest.approx((1 - back.high, 1 - back.low), abs=1e-4)


def test_equal_values_have_no_width_unless_they_are_0_or_1() -> None:
    [half] = estimates(means(np.full(20, 0.5)), ratio)
    assert (half.low, half.value, half.high) == (0.5, 0.5, 0.5)
    [none] = estimates(means(np.zeros(20)), ratio)
    assert (none.low, none.high) == (0.0, pytest.approx(0.1611, abs=1e-4))
    [all_right] = estimates(means(np.ones(20)), ratio)
    assert (all_right.low, all_right.high) == (pytest.approx(0.8389, abs=1e-4), 1.0)


def test_cases_with_nothing_to_count_do_not_narrow_an_f1_of_0() -> None:
    missed = np.array([[0.0, 0.0, 1.0]] * 10)
    nothing = np.zeros((990, 3))
    [few] = estimates(missed, f1)
    [many] = estimates(np.concatenate([missed, nothing]), f1)
    assert (few.low, few.high) == (many.low, many.high)
    [empty] = estimates(nothing, f1)
    assert (empty.low, empty.high) == (0.0, 1.0)


def test_values_that_stand_in_clusters_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(6).normal(size=12), 10)
    clusters = [i // 10 for i in range(120)]
    [alone] = estimates(means(values), ratio)
    [grouped] = estimates(means(values), ratio, clusters)
    assert grouped.value == pytest.approx(alone.value)
    assert grouped.n == alone.n == 120
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_of_many_clusters_of_one_case_the_interval_is_that_of_cases() -> None:
    values = np.random.default_rng(7).random(400).round(3)
    [alone] = estimates(means(values), ratio)
    [grouped] = estimates(means(values), ratio, list(range(400)))
    assert (alone.low, alone.high) == pytest.approx((grouped.low, grouped.high), abs=0.001)


def test_eight_clusters_cover_the_truth_nearly_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    clusters = [i // 20 for i in range(160)]
    covered = 0
    for _ in range(100):
        values = np.repeat(rng.normal(size=8), 20) + rng.normal(size=160)
        [found] = estimates(means(values), ratio, clusters)
        covered += found.low <= 0 <= found.high
    assert covered >= 88


def test_one_case_or_cluster_says_nothing() -> None:
    [one] = estimates(means(np.array([0.3])), ratio)
    assert (one.low, one.value, one.high) == (0.0, pytest.approx(0.3), 1.0)
    [together] = estimates(means(np.array([0.3, 0.5])), ratio, ["a", "a"])
    assert (together.low, together.high, together.n) == (0.0, 1.0, 2)


def test_clusters_have_to_name_every_case() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        estimates(means(np.ones(3)), ratio, ["a", "b"])
