"""A task's metric over the outcomes of a prompt."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calibrate.fitted import Fit
from appliance.kinds import Metric
from appliance.scoring.outcomes import Scored, Written
from appliance.statistics.metrics import (
    NAMES,
    estimate,
    searched_by,
    summarise,
)
from appliance.statistics.proportions import wilson

PLAIN = Fit(0.0)
TALLY = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


def written(right: float, counts: tuple[int, int, int] = (0, 1, 1)) -> Written:
    return Written("c", "", right, right == 1.0, counts, 1.0)


def test_every_metric_has_a_name_to_be_shown_by():
    assert set(NAMES) == set(get_args(Metric))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_accuracy_is_the_share_of_wholly_right_answers_with_wilsons_interval(metric):
    outcomes = [written(1.0)] * 3 + [written(0.9)] * 5
    assert estimate(outcomes, PLAIN, metric) == wilson(3, 8)
    assert searched_by(metric) == "accuracy"


@pytest.mark.parametrize("metric", ["micro_f1", "span_f1"])
def test_an_f1_is_of_all_counts_together_not_a_mean_of_cases(metric):
    outcomes = [written(1.0, (3, 0, 0)), written(0.0, (0, 1, 2)), written(1.0, (0, 0, 0))]
    found = estimate(outcomes, PLAIN, metric)
    assert found.value == pytest.approx(6 / 9) and found.n == 3
    assert found.low < found.value < found.high
    assert searched_by(metric) == metric


def test_a_token_f1_is_the_mean_of_how_far_answers_are_right():
    found = estimate([written(0.5), written(1.0), written(0.0)] * 20, PLAIN, "token_f1")
    assert found.value == pytest.approx(0.5)
    # 1.96 standard errors of a mean of 60.
    assert found.low == pytest.approx(0.5 - 1.96 * 0.408 / 60**0.5, abs=0.02)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.408 / 60**0.5, abs=0.02)


def test_where_nothing_is_found_and_nothing_is_to_be_found_an_f1_is_0_and_nothing_is_known():
    found = estimate([written(1.0, (0, 0, 0))] * 4, PLAIN, "micro_f1")
    assert (found.value, found.low, found.high) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("counts", "value"), [((0, 1, 1), 0.0), ((1, 0, 0), 1.0)])
def test_few_cases_that_are_all_alike_do_not_make_an_interval_without_width(counts, value):
    alike = [written(value, counts)] * 5 + [written(1.0, (0, 0, 0))] * 90
    found, expected = estimate(alike, PLAIN, "micro_f1"), wilson(int(5 * value), 5)
    assert (found.value, found.low, found.high) == (value, expected.low, expected.high)
    found = estimate([written(value)] * 5, PLAIN, "token_f1")
    assert (found.value, found.low, found.high) == (value, expected.low, expected.high)


def test_none_of_the_above_predicted_rightly_is_no_hit_of_an_f1():
    none = Scored("c", 1, (0.0, 1.0), (0.0, 0.0), ("a", "none"), none=1)
    hit = Scored("d", 0, (1.0, 0.0), (0.0, 0.0), ("a", "none"), none=1)
    miss = Scored("e", 0, (0.0, 1.0), (0.0, 0.0), ("a", "none"), none=1)
    assert estimate([none] * 9 + [hit, miss], PLAIN, "micro_f1").value == pytest.approx(2 / 3)
    assert estimate([none] * 9 + [hit, miss], PLAIN, "accuracy").value == pytest.approx(10 / 11)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1), TALLY), min_size=1, max_size=30),
    st.sampled_from(["accuracy", "micro_f1", "span_f1", "token_f1"]),
)
def test_an_interval_lies_within_0_and_1_and_is_the_same_again(each, metric):
    found = summarise(each, metric)
    assert 0 <= found.low <= found.high <= 1 + 1e-9 and 0 <= found.value <= 1 + 1e-9
    assert summarise(each, metric) == found
