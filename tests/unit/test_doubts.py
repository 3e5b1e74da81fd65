"""Rows whose labels a map that has not seen them contradicts."""

from __future__ import annotations

from math import log

from appliance.calibrate.doubts import Doubt, doubts
from appliance.scoring.outcomes import Scored


def outcome(gold: int, *shares: float) -> Scored:
    names = tuple("abc"[: len(shares)])
    return Scored("c", gold, tuple(map(log, shares)), (0.0,) * len(shares), names)


def test_the_surest_contradictions_come_first():
    held_out = [
        outcome(0, 0.9, 0.1),
        outcome(0, 0.8, 0.2),
        outcome(0, 0.1, 0.9),
        outcome(1, 0.2, 0.8),
        outcome(1, 0.7, 0.3),
    ]
    assert doubts(["v", "w", "x", "y", "z"], held_out) == (
        Doubt("x", "a", "b", 0.9, 0.1),
        Doubt("z", "b", "a", 0.7, 0.3),
    )


def test_a_label_that_is_never_found_surely_is_doubted_less_readily():
    """Rows of ``b`` are found with 0.55 at most, so 0.45 for a row of ``a`` is no reason to doubt;
    rows of ``a`` are found with 0.9, so 0.6 for it is none either."""
    held_out = [outcome(0, 0.9, 0.1), outcome(0, 0.92, 0.08), outcome(1, 0.6, 0.4)]
    assert doubts(["x", "y", "z"], held_out) == ()


def test_without_rows_nothing_is_doubted():
    assert doubts([], []) == ()
