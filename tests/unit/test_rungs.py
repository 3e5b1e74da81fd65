"""What candidates took is told by the rungs that they came to."""

from __future__ import annotations

from appliance.search.rungs import Rung, Step, rungs_of


def test_each_rung_has_the_candidates_that_came_to_it_and_what_it_took_them_in_the_mean():
    paid = [
        [Step(24, 1000), Step(48, 900)],
        [Step(24, 500)],
        [Step(51, 600.5)],
        [Step(24, 600), Step(48, 800)],
        [],
    ]
    assert rungs_of(paid) == (Rung(24, 3, 700.0), Rung(48, 2, 850.0), Rung(51, 1, 600.5))


def test_without_candidates_there_are_no_rungs():
    assert rungs_of([]) == ()
