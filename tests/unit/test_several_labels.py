"""The map that reads any number of labels off one hidden state."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.calibrate.odds import discriminants
from appliance.calibrate.readout import cross_validated, fit_map, predicted
from appliance.scoring.hidden import State
from appliance.scoring.yes_no import YesNoOutcome

WIDTH = 30
NAMES = ("trade", "sport", "weather")
PLAIN = Fit(0.0)


def states(count: int, *, seed: int = 0, apart: float = 4.0, share: float = 0.4) -> list[State]:
    """Each label that a row has moves its state along an axis of the label's own."""
    random = np.random.default_rng(seed)
    holds = random.random((count, len(NAMES))) < share
    rows = random.normal(size=(count, WIDTH))
    rows[:, : len(NAMES)] += apart * holds
    return [
        State(f"case {n}", -1, NAMES, row.astype("<f2").tobytes(), holds=tuple(map(bool, own)))
        for n, (row, own) in enumerate(zip(rows, holds, strict=True))
    ]


def right(outcomes) -> float:
    return float(np.mean([outcome.correct(PLAIN) for outcome in outcomes]))


def test_all_labels_of_a_row_are_read_at_once():
    seen, new = states(120), states(300, seed=1)
    found = predicted(seen, new, Objective())
    assert all(isinstance(one, YesNoOutcome) and one.several for one in found)
    assert right(found) > 0.8 and right(cross_validated(seen, Objective())) > 0.75
    assert {one.predicted(PLAIN) for one in found} >= {"", "trade", "sport | weather"}


def test_held_out_odds_are_as_sure_as_new_rows_bear_out():
    for apart in (0.0, 2.0):
        seen, new = states(200, apart=apart), states(800, seed=1, apart=apart)
        losses = [
            float(np.mean([one.loss(PLAIN, "accuracy") for one in outcomes]))
            for outcomes in (
                cross_validated(seen, Objective()),
                predicted(seen, new, Objective()),
            )
        ]
        assert losses[0] == pytest.approx(losses[1], abs=0.1) and losses[0] < 0.75


def test_rare_labels_are_named_more_readily_where_f1_is_sought():
    seen, new = states(300, apart=1.2, share=0.15), states(400, seed=1, apart=1.2, share=0.15)
    named = {
        metric: sum(len(one.yes(PLAIN)) for one in predicted(seen, new, Objective(metric)))
        for metric in ("accuracy", "micro_f1")
    }
    assert named["accuracy"] < named["micro_f1"]


def test_the_map_of_a_prompt_says_what_the_fit_says():
    seen, new = states(80), states(20, seed=1)
    found = fit_map(seen, Objective(), "a hash")
    for state, outcome in zip(new, predicted(seen, new, Objective()), strict=True):
        assert found.scores(state.values) == pytest.approx(outcome.numbers, abs=5e-3)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_few_rows_are_no_error(count):
    seen = states(count)
    outcomes = [*cross_validated(seen, Objective()), *predicted(seen, states(3), Objective())]
    assert all(np.isfinite(outcome.numbers).all() for outcome in outcomes)


def test_a_label_that_no_row_or_every_row_has_is_as_likely_whatever_the_state():
    random = np.random.default_rng(1)
    rows, holds = random.normal(size=(20, 6)), random.random((20, 3)) < 0.5
    holds[:, 0], holds[:, 1] = False, True
    [found] = discriminants(rows, holds, [0.3])
    assert not found.weights[:2].any() and found.offsets[0] < 0 < found.offsets[1]


def test_one_decomposition_gives_each_label_the_inverse_of_its_own_scatter():
    random = np.random.default_rng(2)
    rows, holds = random.normal(size=(50, 5)), random.random((50, 2)) < 0.4
    rows[:, 0] += 2 * holds[:, 0]
    [found] = discriminants(rows, holds, [0.3])
    total = np.cov(rows.T, bias=True)
    for label, own in enumerate(holds.T):
        d = rows[own].mean(0) - rows[~own].mean(0)
        share = own.mean()
        within = total - share * (1 - share) * np.outer(d, d)
        shrunk = 0.7 * within + 0.3 * np.trace(total) / 5 * np.eye(5)
        assert found.weights[label] == pytest.approx(np.linalg.solve(shrunk, d))


@pytest.mark.parametrize("metric", ["accuracy", "micro_f1", "macro_f1"])
def test_a_label_that_no_row_has_is_never_answered_however_hard_the_others_are(metric):
    seen = [
        msgspec.structs.replace(state, holds=(*state.holds[:2], False))
        for state in states(60, apart=0.0, share=0.15)
    ]
    found = predicted(seen, states(200, seed=1, apart=0.0), Objective(metric))
    assert not any("weather" in one.yes(PLAIN) for one in found)


def test_a_label_is_unlikely_where_no_row_beside_the_one_that_is_held_out_has_it():
    seen = [
        msgspec.structs.replace(state, holds=(*state.holds[:2], n == 7))
        for n, state in enumerate(states(100, apart=0.5))
    ]
    found = cross_validated(seen, Objective())
    assert found[7].plain[2] < -3


def test_rows_of_one_group_never_judge_each_other():
    """Four copies of each row: with three of them known the fourth says nothing of new rows."""
    once = states(30, apart=0.0)
    four = [msgspec.structs.replace(s, kin=f"g{n}") for n, s in enumerate(once) for _ in range(4)]
    apart = cross_validated(four, Objective())
    copies = cross_validated([msgspec.structs.replace(s, kin="") for s in four], Objective())
    assert right(apart) < 0.5 < right(copies)
