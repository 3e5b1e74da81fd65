"""Confidences: how far they are off, what withholding buys, and what is fitted to them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calibrate.reliability import (
    COLDEST,
    HOTTEST,
    POINTS,
    coverage_curve,
    ece,
    fit_abstention,
    fit_platt,
    fit_temperature,
    reliability_bins,
)
from appliance.statistics.proportions import wilson

answers = st.lists(
    st.tuples(st.integers(0, 10).map(lambda tenths: tenths / 10), st.booleans()),
    min_size=1,
    max_size=40,
)


def test_bins_hold_as_many_answers_each() -> None:
    confidences = [i / 100 for i in range(100)]
    found = reliability_bins(confidences, [True] * 100)
    assert [b.n for b in found] == [10] * 10
    assert (found[0].low, found[0].high) == (0.0, 0.09)
    assert found[9].confidence == pytest.approx(0.945)
    assert all(b.accuracy == 1 and b.interval == (wilson(10, 10).low, 1.0) for b in found)


@given(answers)
def test_bins_part_no_equal_confidences_and_lose_no_answer(drawn: list[tuple[float, bool]]) -> None:
    confidences, correct = zip(*drawn, strict=True)
    found = reliability_bins(confidences, correct)
    assert sum(b.n for b in found) == len(drawn)
    assert sum(round(b.accuracy * b.n) for b in found) == sum(correct)
    assert all(b.high < other.low for b, other in pairwise(found))


def test_the_calibration_error_is_the_mean_distance_by_bin() -> None:
    confidences = [0.9] * 10 + [0.6] * 10
    correct = [True] * 7 + [False] * 3 + [True] * 6 + [False] * 4
    assert ece(confidences, correct, bins=2) == pytest.approx((0.2 + 0.0) / 2)


def test_confidences_that_are_true_have_a_small_calibration_error() -> None:
    rng = np.random.default_rng(0)
    confidences = rng.random(20_000)
    true, bold = rng.random(20_000) < confidences, rng.random(20_000) < confidences**2
    assert ece(confidences.tolist(), true.tolist()) < 0.02
    assert ece(confidences.tolist(), bold.tolist()) == pytest.approx(1 / 6, abs=0.02)


@given(answers, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_answers_changes_nothing(
    drawn: list[tuple[float, bool]], random: object
) -> None:
    first = tuple(zip(*drawn, strict=True))
    random.shuffle(drawn)  # type: ignore[attr-defined]
    then = tuple(zip(*drawn, strict=True))
    assert reliability_bins(*first) == reliability_bins(*then)
    assert coverage_curve(*first) == coverage_curve(*then)
    assert fit_abstention(*first) == fit_abstention(*then)


def test_the_curve_gives_the_error_of_the_most_confident_first() -> None:
    curve = coverage_curve([0.9, 0.8, 0.8, 0.3], [True, True, False, False])
    assert curve == [
        (0.25, 0.0),
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.5),
    ]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    rng = np.random.default_rng(1)
    confidences = rng.random(1000)
    curve = coverage_curve(confidences.tolist(), (rng.random(1000) < confidences).tolist())
    assert len(curve) == POINTS
    assert curve[0][0] == 0.001 and curve[-1][0] == 1.0
    assert [c for c, _ in curve] == sorted(c for c, _ in curve)


@pytest.mark.parametrize("truth", [0.25, 1.0, 4.0])
def test_the_temperature_that_answers_were_drawn_at_is_found(truth: float) -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 3, (4000, 4))
    chances = np.exp(scores / truth)
    chances /= chances.sum(1, keepdims=True)
    gold = [int(rng.choice(4, p=each)) for each in chances]
    assert fit_temperature(scores.tolist(), gold) == pytest.approx(truth, rel=0.06)


def test_cases_may_have_different_numbers_of_labels() -> None:
    scores = [(0.0, 1.0), (2.0, 0.0, 1.0), (0.5, 0.0)]
    padded = [(0.0, 1.0, -1e9), (2.0, 0.0, 1.0), (0.5, 0.0, -1e9)]
    assert fit_temperature(scores, [1, 2, 0]) == fit_temperature(padded, [1, 2, 0])


@pytest.mark.parametrize("labels", [2, 8])
def test_where_all_are_right_their_number_says_how_sure_one_may_be(labels: int) -> None:
    """Without that the likeliest temperature is the coldest, at which every answer is certain."""
    scores = [(1.5, *[0.0] * (labels - 1))] * 32
    temperature = fit_temperature(scores, [0] * 32)
    odds = np.exp(1.5 / temperature)
    assert odds / (odds + labels - 1) == pytest.approx(33 / 34, abs=0.001)


def test_a_label_without_rivals_says_nothing_of_a_temperature() -> None:
    scores = [(0.0, 1.0), (2.0, 0.0), (0.5, 0.0)]
    alone = [*scores[:2], (7.0,)]
    with_a_tie = [*scores[:2], (7.0, 7.0)]
    assert fit_temperature(alone, [1, 1, 0]) == pytest.approx(
        fit_temperature(with_a_tie, [1, 1, 0]), abs=1e-3
    )
    assert COLDEST <= fit_temperature([(7.0,)], [0]) <= HOTTEST


def test_a_temperature_stays_within_its_bounds() -> None:
    assert fit_temperature([(1.0, 0.0)] * 999, [0] * 999) > COLDEST
    assert fit_temperature([(0.1, 0.0)] * 999, [0] * 999) == COLDEST
    assert fit_temperature([(1.0, 0.0)] * 5, [1] * 5) == HOTTEST
    with pytest.raises(ValueError, match="a case"):
        fit_temperature([], [])


@given(answers, st.sampled_from((0.1, 0.5, 0.9)))
def test_no_other_threshold_has_less_error(drawn: list[tuple[float, bool]], penalty: float) -> None:
    confidences, correct = zip(*drawn, strict=True)

    def total(threshold: float) -> float:
        withheld = sum(c < threshold for c in confidences)
        errors = sum(c >= threshold and not right for c, right in drawn)
        return round(errors + penalty * withheld, 9)

    found = fit_abstention(confidences, correct, penalty)
    least = min(total(t) for t in confidences)
    assert total(found) == least
    assert all(total(t) > least for t in confidences if t < found)


def test_answers_that_are_mostly_right_are_all_given() -> None:
    assert fit_abstention([0.2, 0.5, 0.9], [True, True, True]) == 0.0


def test_no_answers_or_uneven_lists_are_refused() -> None:
    for confidences, correct in (([], []), ([0.5], [True, False])):
        with pytest.raises(ValueError, match="confidences"):
            ece(confidences, correct)


@pytest.mark.parametrize(("temperature", "intercept"), [(0.5, -2.0), (1.0, 0.0), (4.0, 3.0)])
def test_the_line_that_yes_and_no_were_drawn_by_is_found(
    temperature: float, intercept: float
) -> None:
    rng = np.random.default_rng(3)
    margins = rng.normal(intercept, 3, 8000)
    yes = rng.random(8000) < 1 / (1 + np.exp(-(margins - intercept) / temperature))
    found = fit_platt(margins.tolist(), yes.tolist())
    assert found == (
        pytest.approx(temperature, rel=0.1),
        pytest.approx(intercept, abs=0.1 + temperature / 10),
    )


@pytest.mark.parametrize("yes", [False, True])
def test_where_all_are_alike_a_yes_is_as_likely_at_a_finite_margin(yes: bool) -> None:
    temperature, intercept = fit_platt([1.0, 2.0, 3.0], [yes] * 3)
    assert COLDEST <= temperature <= HOTTEST and np.isfinite(intercept)
    assert (intercept < 1.0) if yes else (intercept > 3.0)
    with pytest.raises(ValueError, match="0 confidences"):
        fit_platt([], [])
