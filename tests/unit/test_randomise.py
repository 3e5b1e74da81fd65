"""Randomisation tests against enumeration by hand, scipy and simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.statistics.bootstrap import Rows
from appliance.statistics.f1 import mean_f1, slope
from appliance.statistics.proportions import mcnemar_exact
from appliance.statistics.randomise import sign_flip, swap

Pairs = list[tuple[tuple[int, int, int], tuple[int, int, int]]]

tallies = st.tuples(*[st.integers(0, 2)] * 3)
pairs = st.lists(st.tuples(tallies, tallies), min_size=1, max_size=8)


def sides(drawn: Pairs) -> tuple[Rows, Rows]:
    before, after = zip(*drawn, strict=True)
    return np.array(before, dtype=float), np.array(after, dtype=float)


def by_hand(before: Rows, after: Rows) -> float:
    """Every way in which a coin can deal the results, one after the other."""
    dealt = []
    for swapped in product((False, True), repeat=len(before)):
        turn = np.array(swapped)[:, None]
        old, new = np.where(turn, after, before), np.where(turn, before, after)
        gain = float(mean_f1(new.sum(0)) - mean_f1(old.sum(0)))
        influence = new @ slope(new.sum(0)) - old @ slope(old.sum(0))
        error = float(np.sqrt((influence**2).sum()))
        gain = 0.0 if abs(gain) < 1e-12 else gain
        dealt.append((abs(gain), abs(gain) / max(error, 1e-12)))
    reached = [
        [value >= own * (1 - 1e-9) for value, own in zip(d, dealt[0], strict=True)] for d in dealt
    ]
    return max(float(np.mean(column)) for column in zip(*reached, strict=True))


def test_sign_flip_is_exact_for_few_differences() -> None:
    assert sign_flip([1, 2, 3, 4]) == pytest.approx(2 / 16)
    assert sign_flip([1, 2, 3, -4, 0, 0]) == pytest.approx(14 / 16)
    assert sign_flip([0.0] * 5) == sign_flip([]) == sign_flip([3.0]) == 1.0
    assert sign_flip([1.0] * 14) == pytest.approx(2 / 2**14)


@given(st.integers(0, 200), st.integers(0, 200))
@settings(max_examples=50, deadline=None)
def test_equal_differences_flip_as_the_coin_of_mcnemar(wins: int, losses: int) -> None:
    found = sign_flip([1.0] * wins + [-1.0] * losses)
    assert found == pytest.approx(mcnemar_exact(wins, losses))


def test_sign_flip_samples_many_differences_and_never_says_zero() -> None:
    assert sign_flip(np.linspace(1, 2, 40)) == pytest.approx(1 / 20_001)
    mixed = np.random.default_rng(3).normal(0.3, 1, size=60)
    from scipy.stats import ttest_1samp

    assert sign_flip(mixed) == sign_flip(mixed)
    assert sign_flip(mixed) == pytest.approx(ttest_1samp(mixed, 0).pvalue, abs=0.01)


def test_sign_flip_rejects_a_true_null_at_its_level() -> None:
    rng = np.random.default_rng(4)
    rejected = [sign_flip(rng.normal(size=10)) <= 0.05 for _ in range(200)]
    assert np.mean(rejected) <= 0.08


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_swap_is_the_enumeration_of_all_deals(drawn: Pairs) -> None:
    before, after = sides(drawn)
    assert swap(before, after, mean_f1, slope) == pytest.approx(by_hand(before, after))


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_swap_does_not_care_which_prompt_is_called_first(drawn: Pairs) -> None:
    before, after = sides(drawn)
    there = swap(before, after, mean_f1, slope)
    assert 0 < there <= 1
    assert there == pytest.approx(swap(after, before, mean_f1, slope))


@given(pairs, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_swap_does_not_care_for_the_order_of_cases(drawn: Pairs, random: object) -> None:
    before, after = sides(drawn)
    random.shuffle(drawn)  # type: ignore[attr-defined]
    assert swap(before, after, mean_f1, slope) == pytest.approx(swap(*sides(drawn), mean_f1, slope))


def test_cases_on_which_both_agree_are_no_evidence_of_a_difference() -> None:
    same = np.array([[1.0, 0, 0]] * 30)
    assert swap(same, same, mean_f1, slope) == 1.0


def test_six_finds_against_none_are_as_six_heads() -> None:
    missed, found = np.array([[0.0, 0, 1]] * 6), np.array([[1.0, 0, 0]] * 6)
    assert swap(missed, found, mean_f1, slope) == pytest.approx(2 / 2**6)


def test_many_unlike_cases_are_sampled_and_p_is_never_zero() -> None:
    rng = np.random.default_rng(5)
    before = rng.integers(0, 30, size=(60, 3)).astype(float)
    after = before + np.array([10.0, 0, 0])
    assert swap(before, after, mean_f1, slope) == pytest.approx(1 / 20_001)


def test_the_gradient_of_f1_is_that_of_small_steps() -> None:
    sums = np.array([5.0, 3, 2, 1, 4, 6, 0, 2, 0])
    for place in range(9):
        step = np.zeros(9)
        step[place] = 1e-6
        slow = (mean_f1(sums + step) - mean_f1(sums - step)) / 2e-6
        if place not in (6, 8):  # There the label begins to be due.
            assert slope(sums)[place] == pytest.approx(float(slow), abs=1e-6)
    assert float(slope(sums) @ sums) == pytest.approx(0), "F1 does not depend on scale"


def test_prompts_that_differ_in_what_they_miss_are_rarely_told_apart_where_f1_is_the_same() -> None:
    """100 cases with something among 1,000; recall 0.7 and 0.35 at F1 0.5: at 0.05, two-sided."""
    rng = np.random.default_rng(6)
    positives = np.arange(1000) < 100
    rejected = 0
    for _ in range(200):
        claims = []
        for recall in (0.7, 0.35):
            wrongly = (2 * recall / 0.5 - 1 - recall) / 9
            claims.append(rng.random(1000) < np.where(positives, recall, wrongly))
        counts = [
            np.stack([positives & c, ~positives & c, positives & ~c], axis=1).astype(float)
            for c in claims
        ]
        rejected += swap(*counts, mean_f1, slope) < 0.05
    assert rejected <= 18
