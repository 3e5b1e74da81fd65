"""Precision, recall and F1 of counts; mean and spread over files."""

from __future__ import annotations

import pytest

from appliance.statistics.parts import Prf, over_parts, prf


def test_counts_are_summed_before_they_are_divided() -> None:
    found = prf([(1, 0, 0), (0, 3, 1), (2, 0, 1)])
    assert found == Prf(precision=3 / 6, recall=3 / 5, f1=6 / 11, tp=3, fp=3, fn=2)


def test_nothing_to_find_and_nothing_found_is_0() -> None:
    assert prf([(0, 0, 0)]) == prf([]) == Prf(0.0, 0.0, 0.0, 0, 0, 0)


def test_stable_is_two_standard_deviations_of_the_population_below_the_mean() -> None:
    found = over_parts([0.2, 0.4])
    assert (found.mean, found.std, found.n) == (pytest.approx(0.3), pytest.approx(0.1), 2)
    assert found.stable == pytest.approx(0.1)
    assert over_parts([0.25]).stable == 0.25
    with pytest.raises(ValueError, match="a value"):
        over_parts([])
