"""Power against the sum over all tables; the gain that can be found; advice in words."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.statistics.power import advice, detectable, power_paired
from appliance.statistics.proportions import mcnemar_exact


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


@pytest.mark.parametrize(("n", "discordance", "power"), [(60, 0.2, 0.5), (200, 0.4, 0.8)])
def test_the_detectable_gain_is_found_as_often_as_it_says(
    n: int, discordance: float, power: float
) -> None:
    gain = detectable(n, discordance, power)
    assert gain is not None
    assert power_paired(n, gain, discordance) == pytest.approx(power, abs=1e-3)


def test_more_cases_can_find_a_smaller_gain() -> None:
    gains = [detectable(n, 0.2) for n in (60, 200, 1000)]
    assert None not in gains
    assert gains == sorted(gains, reverse=True)


def test_where_the_largest_gain_is_missed_too_often_none_is_detectable() -> None:
    assert power_paired(20, 0.2, 0.2) < 0.5
    assert detectable(20, 0.2, 0.5) is None
    assert detectable(5, 1.0) is None, "five cases can never reach 0.05"


def test_a_smaller_threshold_needs_a_larger_gain() -> None:
    first, second = detectable(200, 0.2), detectable(200, 0.2, alpha=0.025)
    assert first is not None and second is not None and first < second


def test_advice_says_what_a_number_of_rows_can_find() -> None:
    assert advice(60) == (
        "60 test rows: if 20 % of answers change, a gain of 12.6 points is found about half the "
        "time, one of 16.3 points four times in five"
    )
    assert "1,000 test rows: if 40 % of answers change, a gain of 4.1 points" in advice(1000, 0.4)


def test_advice_says_that_few_rows_find_nothing() -> None:
    assert advice(20) == (
        "20 test rows: if 20 % of answers change, even a gain of 20 points is found only 20 % of "
        "the time"
    )
    half = advice(32)
    assert half.endswith("about half the time, and not even one of 20 points four times in five")


@pytest.mark.parametrize("power", [0.5, 0.8])
def test_beyond_ten_thousand_cases_the_approximation_goes_on_where_the_exact_sum_ends(power):
    exact, near = (detectable(n, 0.2, power) for n in (10_000, 10_001))
    assert near == pytest.approx(exact, rel=0.02)
    assert detectable(1_000_000, 0.2, power) == pytest.approx(near / 10, rel=0.01)
