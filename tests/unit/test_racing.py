"""Races drop what is proven worse, keep what may yet win, and depend on losses alone."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.scoring.racing import LEAST_CASES, survivors


def noisy(mean: float, seed: int, n: int = 40) -> list[float]:
    rng, shared = random.Random(seed), random.Random("cases")
    return [shared.gauss(0, 5) + mean + rng.gauss(0, 0.2) for _ in range(n)]


def test_the_clearly_worse_are_dropped_although_cases_differ_much_more_than_candidates() -> None:
    cases = [5.0 * (i % 7) for i in range(40)]
    wobble = [0.3 * (-1) ** i for i in range(40)]
    losses = {
        "bad": [c + 0.5 + w for c, w in zip(cases, wobble, strict=True)],
        "close": [c + 0.02 + w for c, w in zip(cases, wobble, strict=True)],
        "good": cases,
    }
    assert survivors(losses, keep=3) == ["good", "close"]


def test_survivors_come_best_first_and_at_most_as_many_as_may_stay() -> None:
    losses = {name: noisy(1 + i / 1000, i) for i, name in enumerate("abcdef")}
    stay = survivors(losses, keep=3, z=100)
    assert len(stay) == 3
    assert stay == sorted(losses, key=lambda name: sum(losses[name]))[:3]


def test_ties_go_by_id_and_equals_stay() -> None:
    losses = {name: [1.0, 2.0] * 8 for name in ("c", "a", "b")}
    assert survivors(losses, keep=2) == ["a", "b"]
    assert survivors(dict(reversed(losses.items())), keep=2) == ["a", "b"]


def test_few_cases_prove_nothing() -> None:
    few = {"good": [0.0] * (LEAST_CASES - 1), "bad": [9.0] * (LEAST_CASES - 1)}
    enough = {"good": [0.0] * LEAST_CASES, "bad": [9.0] * LEAST_CASES}
    assert survivors(few, keep=2) == ["good", "bad"]
    assert survivors(enough, keep=2) == ["good"]


def test_an_equal_candidate_is_rarely_dropped() -> None:
    races = [{"a": noisy(1.0, 2 * s), "b": noisy(1.0, 2 * s + 1)} for s in range(300)]
    dropped = sum(len(survivors(race, keep=2)) < 2 for race in races)
    assert dropped <= 45


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=2),
        st.lists(st.floats(-9, 9), min_size=10, max_size=10),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 6),
)
def test_the_leader_always_stays_and_a_stricter_z_drops_no_fewer(
    losses: Mapping[str, list[float]], keep: int
) -> None:
    loose, strict = survivors(losses, keep, z=3), survivors(losses, keep, z=1)
    assert loose[0] == strict[0]
    assert set(strict) <= set(loose) <= set(losses)
    assert len(loose) <= keep


@pytest.mark.parametrize("losses", [{"a": [1.0], "b": []}, {"a": []}, {"a": [float("nan")]}])
def test_losses_that_cannot_be_compared_are_refused(losses: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match=r"same cases|not finite"):
        survivors(losses, keep=1)


def test_nobody_survives_an_empty_race() -> None:
    assert survivors({}, keep=3) == []
