"""The map from hidden states to labels: what it learns, and what it never looks at."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from appliance.calibrate.objective import Objective
from appliance.calibrate.readout import cross_validated, fit_map, predicted
from appliance.errors import PromptError
from appliance.prompts.linear_map import LinearMap
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Scored

WIDTH = 40
OBJECTIVE = Objective()
BY = LinearMap("", 1, b"\0" * 16)


def states(count: int, labels: int = 3, *, seed: int = 0, apart: float = 3.0) -> list[State]:
    """States around one mean a label, in two of forty dimensions, with noise in all."""
    random = np.random.default_rng(seed)
    means = np.zeros((labels, WIDTH))
    means[:, :2] = apart * np.array([(np.cos(a), np.sin(a)) for a in np.arange(labels) * 2.1])
    names = tuple(f"label {n}" for n in range(labels))
    gold = random.integers(0, labels, count)
    rows = (means[gold] + random.normal(size=(count, WIDTH))).astype("<f2")
    return [
        State(f"case {n}", int(label), names, row.tobytes())
        for n, (label, row) in enumerate(zip(gold, rows, strict=True))
    ]


def right(outcomes: list[Scored]) -> float:
    return float(np.mean([max(o.plain) == o.plain[o.gold] for o in outcomes]))


def loss(outcomes: list[Scored]) -> float:
    from appliance.calibrate.fitted import Fit

    return float(np.mean([outcome.loss(Fit(0.0), "accuracy") for outcome in outcomes]))


def test_labels_are_read_off_states_that_no_fit_has_seen():
    seen, new = states(60), states(300, seed=1)
    assert right(predicted(seen, new, OBJECTIVE)) > 0.9
    assert right(cross_validated(seen, OBJECTIVE)) > 0.85


def test_the_loss_on_held_out_rows_is_near_that_on_new_ones():
    for apart in (0.0, 1.0, 2.0):
        seen, new = states(120, apart=apart), states(600, seed=1, apart=apart)
        known = loss(cross_validated(seen, OBJECTIVE))
        assert known == pytest.approx(loss(predicted(seen, new, OBJECTIVE)), abs=0.15)
        assert known < np.log(3) + 0.05


def test_a_case_is_judged_by_a_map_that_has_not_seen_it():
    seen = states(40)
    wrong = [
        State(s.case, (s.gold + 1) % 3 if n == 7 else s.gold, s.labels, s.values)
        for n, s in enumerate(seen)
    ]
    before, after = cross_validated(seen, OBJECTIVE)[7], cross_validated(wrong, OBJECTIVE)[7]
    assert before.plain.index(max(before.plain)) == after.plain.index(max(after.plain))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_rows_and_labels_without_any_are_no_error(count):
    seen = states(count, labels=5)
    outcomes = [*cross_validated(seen, OBJECTIVE), *predicted(seen, states(4, 5), OBJECTIVE)]
    assert all(np.isfinite(outcome.plain).all() for outcome in outcomes)


def test_a_label_that_no_row_has_is_never_predicted():
    seen = [state for state in states(60) if state.gold != 1]
    assert not any(o.plain.index(max(o.plain)) == 1 for o in predicted(seen, states(50), OBJECTIVE))


@pytest.mark.parametrize("only", [0, 1, 2])
def test_the_only_label_that_rows_have_is_predicted(only):
    seen = [state for state in states(60) if state.gold == only]
    assert set(chosen(predicted(seen, states(50, seed=1), OBJECTIVE))) == {only}


def test_what_all_states_have_in_common_changes_no_outcome():
    """Labels with a single row are unknown wherever it is held out."""
    rows = [state for state in states(90, labels=9) if state.gold < 3]
    rare = [next(state for state in states(90, labels=9) if state.gold == n) for n in range(3, 9)]

    def moved(state: State, by: float) -> State:
        own = (np.frombuffer(state.values, "<f2").astype(float) * 16).round() / 16 + by
        return State(state.case, state.gold, state.labels, own.astype("<f2").tobytes())

    here, there = (
        cross_validated([moved(state, by) for state in (*rows, *rare)], OBJECTIVE) for by in (0, 16)
    )
    for one, other in zip(here, there, strict=True):
        assert one.plain == pytest.approx(other.plain, abs=2e-3)


def test_rows_that_all_belong_to_one_group_are_dealt_out_as_if_there_were_none():
    seen = states(40)
    grouped = [msgspec.structs.replace(state, kin="one document") for state in seen]
    assert cross_validated(grouped, OBJECTIVE) == cross_validated(seen, OBJECTIVE)


def test_no_rows_make_no_outcomes():
    assert cross_validated([], OBJECTIVE) == []


def test_the_map_of_a_prompt_says_what_the_fit_says():
    seen, new = states(60), states(30, seed=1)
    found = fit_map(seen, OBJECTIVE, "a hash")
    assert (found.model, found.width, found.labels) == ("a hash", WIDTH, 3)
    for state, outcome in zip(new, predicted(seen, new, OBJECTIVE), strict=True):
        assert found.scores(state.values) == pytest.approx(outcome.plain, abs=2e-3)


def test_frequent_labels_weigh_more_but_not_under_macro_f1():
    rows = states(200, labels=2, apart=0.5)
    rare = [state for n, state in enumerate(rows) if state.gold == 0 or n % 8 == 0]
    counts = {
        metric: sum(
            o.plain[1] > o.plain[0]
            for o in predicted(rare, states(400, 2, seed=2, apart=0.5), Objective(metric))
        )
        for metric in ("accuracy", "macro_f1")
    }
    assert counts["accuracy"] < counts["macro_f1"]


def beside_anything(count: int, *, seed: int = 0, apart: float = 3.0) -> list[State]:
    """Three labels around a mean each, and rows of none of the above all over the same plane, which
    an axis of their own tells from the others."""
    random = np.random.default_rng(seed)
    found = []
    for state in states(count, seed=seed, apart=apart):
        row = np.frombuffer(state.values, "<f2").astype(float)
        nothing = random.random() < 0.3
        if nothing:
            row[:2] = random.uniform(-4, 4, 2)
            row[2] += 3.0
        names = ("none", *state.labels)
        gold = 0 if nothing else state.gold + 1
        found.append(State(state.case, gold, names, row.astype("<f2").tobytes(), none=0))
    return found


def chosen(outcomes: list[Scored]) -> list[int]:
    return [o.plain.index(max(o.plain)) for o in outcomes]


def test_none_of_the_above_is_found_though_it_has_no_mean_of_its_own():
    seen, new = beside_anything(150), beside_anything(600, seed=1)
    found = predicted(seen, new, OBJECTIVE)
    nothing = [at == 0 for at, state in zip(chosen(found), new, strict=True) if state.gold == 0]
    assert np.mean(nothing) > 0.75 and right(found) > 0.8
    assert loss(cross_validated(seen, OBJECTIVE)) == pytest.approx(loss(found), abs=0.1)


def test_rows_of_none_of_the_above_do_not_blur_the_other_labels():
    """Were it a class like the others, its scatter would count as theirs."""
    seen, new = beside_anything(150, apart=1.0), beside_anything(600, seed=1, apart=1.0)
    as_any = [State(s.case, s.gold, s.labels, s.values) for s in seen]
    assert loss(predicted(seen, new, OBJECTIVE)) < loss(predicted(as_any, new, OBJECTIVE))


def test_none_of_the_above_has_the_share_that_the_objective_says():
    seen, new = beside_anything(150, apart=1.0), beside_anything(300, seed=1, apart=1.0)
    rare = Objective(shares=tuple(np.log([0.04, 0.32, 0.32, 0.32])))
    usual = Objective(shares=tuple(np.log([0.3, 0.7 / 3, 0.7 / 3, 0.7 / 3])))
    counts = [chosen(predicted(seen, new, by)).count(0) for by in (rare, OBJECTIVE, usual)]
    assert counts[0] < counts[1] == pytest.approx(counts[2], abs=6)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_none_of_the_above_without_rows_is_never_predicted(metric):
    seen = [state for state in beside_anything(60, apart=0.5) if state.gold]
    for few in (seen[:1], seen[:4], seen):
        assert 0 not in chosen(predicted(few, beside_anything(80, seed=2), Objective(metric)))


def test_rows_of_none_of_the_above_alone_are_no_error():
    seen = [state for state in beside_anything(40) if not state.gold]
    for few in (seen[:1], seen):
        assert chosen(predicted(few, few, OBJECTIVE)) == [0] * len(few)
        assert np.isfinite([o.plain for o in cross_validated(few, OBJECTIVE)]).all()


def test_the_map_of_a_prompt_reads_none_of_the_above_as_the_fit_does():
    seen, new = beside_anything(60), beside_anything(30, seed=1)
    found = fit_map(seen, OBJECTIVE, "a hash")
    assert (found.labels, found.none) == (4, 0)
    for state, outcome in zip(new, predicted(seen, new, OBJECTIVE), strict=True):
        assert found.scores(state.values) == pytest.approx(outcome.plain, abs=2e-3)


@pytest.mark.parametrize(
    ("width", "values", "message"),
    [
        (2, b"", "0 bytes are no map of states of 2"),
        (2, b"\0" * 20, "20 bytes are no map of states of 2"),
        (0, b"\0" * 8, "no map of states of 0"),
        (1, np.array([1, np.nan], "<f4").tobytes(), "not finite"),
    ],
)
def test_what_is_no_map_is_refused(width, values, message):
    with pytest.raises(PromptError, match=message):
        LinearMap("x", width, values)


def test_a_map_to_none_of_the_above_alone_is_refused():
    with pytest.raises(PromptError, match="a map to 1 labels has no other beside none"):
        LinearMap("x", 1, b"\0" * 8, 0)


def test_a_state_of_another_width_is_refused():
    with pytest.raises(ValueError, match="a state of 3 numbers, for a map of 1"):
        BY.scores(b"\0" * 6)
