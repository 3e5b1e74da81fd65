"""How well states tell labels apart is counted on rows that the map has not seen."""

from __future__ import annotations

from test_doubts import outcome

from appliance.calibrate.separation import Confused, Separation, separation


def test_errors_are_counted_by_label_and_what_it_was_taken_for():
    held_out = [
        outcome(0, 0.6, 0.3, 0.1),
        outcome(0, 0.2, 0.5, 0.3),
        outcome(1, 0.1, 0.2, 0.7),
        outcome(1, 0.1, 0.3, 0.6),
        outcome(2, 0.1, 0.1, 0.8),
    ]
    assert separation(held_out) == Separation(
        n=5, right=2, confused=(Confused("b", "c", 2), Confused("a", "b", 1))
    )


def test_without_rows_there_is_nothing_to_tell_apart():
    assert separation([]) == Separation(0, 0, ())
