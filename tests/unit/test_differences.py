"""Two candidates are told apart by their paired differences, and by nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.statistics.differences import LEAST_CASES, compare

losses = st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=30)


def noisy(mean: float, seed: int, n: int = 40) -> list[float]:
    rng, shared = random.Random(seed), random.Random("cases")
    return [shared.gauss(0, 5) + mean + rng.gauss(0, 0.2) for _ in range(n)]


def test_the_clearly_better_is_seen_although_cases_differ_much_more_than_candidates() -> None:
    cases = [5.0 * (i % 7) for i in range(40)]
    wobble = [0.3 * (-1) ** i for i in range(40)]
    bad = [c + 0.5 + w for c, w in zip(cases, wobble, strict=True)]
    close = [c + 0.02 + w for c, w in zip(cases, wobble, strict=True)]
    assert compare(cases, bad).proves_better(1.6) and not compare(cases, close).proves_better(1.6)


def test_the_mean_and_its_error_are_those_of_the_differences() -> None:
    found = compare([1.0, 3.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0])
    assert (found.mean, found.n) == (1.5, 4)
    assert found.error == pytest.approx((5 / 3 / 4) ** 0.5)


def test_few_cases_prove_nothing() -> None:
    few, enough = LEAST_CASES - 1, LEAST_CASES
    assert not compare([0.0] * few, [9.0] * few).proves_better(1.6)
    assert compare([0.0] * enough, [9.0] * enough).proves_better(1.6)
    assert not compare([], []).proves_better(0.0)


def test_an_equal_candidate_is_rarely_proven_better() -> None:
    found = [compare(noisy(1.0, 2 * s), noisy(1.0, 2 * s + 1)) for s in range(300)]
    assert 0 < sum(difference.proves_better(1.6) for difference in found) <= 30


@given(losses)
def test_the_other_way_round_the_difference_changes_its_sign_alone(pairs) -> None:
    new, old = zip(*pairs, strict=True)
    there, back = compare(new, old), compare(old, new)
    assert (there.mean, there.error, there.n) == (-back.mean, back.error, back.n)
    assert not (there.proves_better(1.0) and back.proves_better(1.0))
    assert there.proves_better(3.0) <= there.proves_better(1.0)


@pytest.mark.parametrize(("new", "old"), [([1.0], []), ([float("nan")], [1.0])])
def test_losses_that_cannot_be_compared_are_refused(new: list[float], old: list[float]) -> None:
    with pytest.raises(ValueError, match=r"same cases|not finite"):
        compare(new, old)
