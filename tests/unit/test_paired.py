"""What one prompt gains over another: each metric gets its test and its intervals."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.statistics.bootstrap import Rows
from appliance.statistics.paired import paired, weigh
from appliance.statistics.proportions import mcnemar_exact, newcombe, wilson

HIT, WRONG, MISSED, CLAIMED, NOTHING = (1, 0, 0), (0, 1, 1), (0, 0, 1), (0, 1, 0), (0, 0, 0)


def table(both: int, wins: int, losses: int, neither: int) -> tuple[list[int], list[int]]:
    before = [1] * both + [0] * wins + [1] * losses + [0] * neither
    return before, [1] * (both + wins) + [0] * (losses + neither)


def by_label(gold: list[int], predicted: list[int], labels: int) -> Rows:
    counts = np.zeros((len(gold), labels, 3))
    for case, (right, told) in enumerate(zip(gold, predicted, strict=True)):
        if right == told:
            counts[case, right, 0] = 1
        else:
            counts[case, right, 2] = counts[case, told, 1] = 1
    return counts


def test_right_or_wrong_answers_get_mcnemar_newcombe_and_wilson() -> None:
    found = paired(*table(50, 20, 5, 25))
    assert (found.test, found.n, found.wins, found.losses) == ("exact McNemar", 100, 20, 5)
    assert found.gain == pytest.approx(0.15)
    assert found.p == mcnemar_exact(20, 5)
    assert (found.low, found.high) == newcombe(50, 20, 5, 25)
    assert (found.before, found.after) == (wilson(55, 100), wilson(70, 100))
    assert (found.differing, found.clusters, found.positives) == (25, 0, None)


def test_credits_in_between_get_the_sign_flip_test_and_a_bootstrap() -> None:
    rng = np.random.default_rng(0)
    before = rng.random(80)
    after = np.clip(before + rng.normal(0.1, 0.2, 80), 0, 1)
    found = paired(before, after)
    assert found.test == "sign flip"
    assert found.gain == pytest.approx(after.mean() - before.mean())
    from scipy.stats import ttest_rel

    theirs = ttest_rel(after, before)
    assert found.p == pytest.approx(theirs.pvalue, rel=0.5, abs=2e-4)
    assert (found.low, found.high) == pytest.approx(theirs.confidence_interval(), abs=0.01)


def test_micro_f1_is_that_of_summed_counts() -> None:
    before = [HIT, MISSED, MISSED, NOTHING, CLAIMED, WRONG]
    after = [HIT, HIT, MISSED, NOTHING, NOTHING, WRONG]
    found = paired(before, after)
    assert found.test == "swap"
    assert found.before.value == pytest.approx(2 / (2 + 2 + 3))
    assert found.after.value == pytest.approx(4 / (4 + 1 + 2))
    assert (found.wins, found.losses, found.differing, found.positives) == (2, 0, 2, 4)
    assert found.p == pytest.approx(2 / 4), "two cases differ, both for the better"


def test_macro_f1_is_the_mean_over_the_labels_that_occur() -> None:
    gold = [0, 0, 1, 1, 1]
    before, after = [0, 1, 1, 1, 2], [0, 0, 1, 1, 2]
    found = weigh(by_label(gold, before, 4), by_label(gold, after, 4))
    assert found.gain == pytest.approx((1 + 4 / 5) / 2 - (2 / 3 + 4 / 6) / 2)


def test_macro_f1_agrees_with_micro_f1_where_there_is_one_label() -> None:
    before, after = np.array([HIT, MISSED, CLAIMED] * 9), np.array([HIT, HIT, NOTHING] * 9)
    assert weigh(before, after) == weigh(before[:, None], after[:, None])


results = st.lists(
    st.tuples(*[st.sampled_from((HIT, WRONG, MISSED, CLAIMED, NOTHING))] * 2),
    min_size=2,
    max_size=30,
)
credits_ = st.lists(
    st.tuples(*[st.sampled_from((0.0, 0.25, 0.6, 1.0))] * 2), min_size=2, max_size=30
)


@given(st.one_of(results, credits_))
@settings(max_examples=40, deadline=None)
def test_exchanging_the_prompts_mirrors_the_gain(drawn: list[tuple[object, object]]) -> None:
    before, after = zip(*drawn, strict=True)
    there, back = weigh(before, after), weigh(after, before)
    assert (there.gain, there.wins, there.differing) == (-back.gain, back.losses, back.differing)
    assert there.p == pytest.approx(back.p)
    assert 0 < there.p <= 1


def test_an_interval_holds_its_gain_and_mirrors() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.poisson([2, 1, 1], (60, 3)), rng.poisson([3, 1, 1], (60, 3))
    there, back = paired(before, after), paired(after, before)
    assert there.low < there.gain < there.high
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=0.005)


@pytest.mark.parametrize("kind", ["credits", "counts"])
def test_clusters_of_one_case_say_what_cases_say(kind: str) -> None:
    rng = np.random.default_rng(2)
    shape = (200,) if kind == "credits" else (200, 3)
    before, after = (rng.integers(0, 4, shape) / (3 if kind == "credits" else 1) for _ in "12")
    alone, grouped = paired(before, after), paired(before, after, list(range(200)))
    assert (grouped.clusters, alone.clusters) == (200, 0)
    assert grouped.p == pytest.approx(alone.p)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=0.004)


def test_a_cluster_counts_once_however_many_cases_it_has() -> None:
    before, after = table(0, 20, 0, 80)
    clusters = [f"c{case % 8}" for case in range(100)]
    found = paired(before * 8, after * 8, sorted(clusters * 8))
    assert found.clusters == 8
    assert found.p == pytest.approx(2 / 2**8)
    assert found.n == 800 and found.wins == 160


def test_a_gain_in_one_cluster_alone_is_not_told_from_chance() -> None:
    before = [0] * 160
    after = [1] * 20 + [0] * 140
    clusters = [case // 20 for case in range(160)]
    found = paired(before, after, clusters)
    assert found.p == 1.0 and found.differing == 1
    assert found.low <= 0 < found.high


def test_a_single_case_or_cluster_says_nothing() -> None:
    one = paired([0.2], [0.7])
    assert (one.p, one.low, one.high) == (1.0, -1.0, 1.0)
    found = paired([0] * 30, [1] * 30, ["a"] * 30)
    assert (found.p, found.low, found.high) == (1.0, -1.0, 1.0)
    assert (found.before.low, found.before.high) == (0.0, 1.0)


def test_positive_cases_and_the_clusters_that_hold_them_are_counted() -> None:
    before = np.array([HIT, MISSED, NOTHING, CLAIMED, WRONG, NOTHING])
    found = weigh(before, before[::-1], ["a", "a", "b", "b", "c", "d"])
    assert (found.positives, found.positive_clusters, found.clusters) == (3, 2, 4)


def test_equal_prompts_gain_nothing() -> None:
    for results in ([0, 1, 1], [0.2, 0.4, 1.0], [HIT, MISSED, NOTHING]):
        found = paired(results, results)
        assert (found.gain, found.p, found.wins, found.losses, found.differing) == (0, 1, 0, 0, 0)
        assert -found.low == found.high > 0


def test_false_alarms_alone_leave_open_which_prompt_is_better() -> None:
    was = [MISSED] * 30 + [NOTHING] * 20
    now = [MISSED] * 30 + [CLAIMED] * 5 + [NOTHING] * 15
    found = paired(was, now)
    assert (found.gain, found.differing) == (0.0, 5)
    assert -found.low == found.high == pytest.approx(0.1135, abs=1e-3)


def test_a_figure_of_0_is_as_sure_as_its_own_cases_make_it() -> None:
    was = [MISSED] * 30 + [NOTHING] * 500
    alone, beside = paired(was, was), paired(was, [MISSED] * 30 + [CLAIMED] * 500)
    assert alone.before == beside.before
    rare = np.zeros((100, 2, 3))
    rare[:3, 0, 2] = 1  # Three cases of a label that is never found.
    rare[3:, 1, 0] = 1
    assert paired(rare[:, :1], rare[:, :1]).before.high > 0.5


def test_a_gain_on_every_case_has_an_interval_and_so_has_a_loss() -> None:
    there, back = paired([MISSED] * 20, [HIT] * 20), paired([HIT] * 20, [MISSED] * 20)
    assert (there.low, there.high) == (pytest.approx(0.8389, abs=1e-4), 1.0)
    assert (back.low, back.high) == (-1.0, pytest.approx(-0.8389, abs=1e-4))


def test_uneven_results_or_none_are_refused() -> None:
    for before, after in (([], []), ([1.0], [1.0, 0.0]), ([HIT], [1.0])):
        with pytest.raises(ValueError, match="shape"):
            weigh(before, after)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        weigh([1.0, 0.0], [0.0, 1.0], ["a"])


def test_an_effect_is_a_document() -> None:
    found = paired([HIT, MISSED] * 4, [HIT, HIT] * 4, [0, 1] * 4)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_thirty_thousand_cases_take_seconds() -> None:
    rng = np.random.default_rng(3)
    positives = rng.random(30_000) < 0.05
    sides = []
    for found in (0.5, 0.6):
        predicted = rng.random(30_000) < np.where(positives, found, 0.05)
        sides.append(
            np.stack(
                [positives & predicted, ~positives & predicted, positives & ~predicted], axis=1
            )
        )
    start = time.perf_counter()
    assert paired(*sides).p < 0.05
    assert time.perf_counter() - start < 20


def test_who_never_answers_the_rarer_of_two_labels_has_an_interval_that_ends_at_a_half() -> None:
    gold = [0] * 37 + [1] * 2
    never = [0] * 39
    found = paired(by_label(gold, never, 2), by_label(gold, gold, 2))
    assert found.before.value == pytest.approx(0.5 * 74 / 76)
    assert 0.4 < found.before.low < found.before.value < found.before.high <= 0.5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=25))
@settings(max_examples=25, deadline=None)
def test_the_interval_of_macro_f1_keeps_to_what_labels_that_were_never_hit_allow(pairs) -> None:
    gold, predicted = zip(*pairs, strict=True)
    counts = by_label(gold, predicted, 4)
    found = paired(counts, counts).before
    hit = {right for right, told in pairs if right == told}
    assert found.low <= found.value <= found.high
    if found.value not in (0.0, 1.0):
        assert found.high <= len(hit) / len(set(gold)) + 1e-9


def test_a_gain_of_macro_f1_that_rests_on_two_cases_is_as_uncertain_as_the_prompts_are() -> None:
    before, after = np.zeros((39, 2, 3)), np.zeros((39, 2, 3))
    before[:37, 0, 0] = after[:37, 0, 0] = after[37:, 1, 0] = 1
    before[37:, 0, 1] = before[37:, 1, 2] = 1  # The rare label is never found, then always.
    found = paired(before, after)
    assert found.gain == pytest.approx(0.513, abs=1e-3)
    assert found.before.high <= 0.5 and found.after.low < 0.4
    assert found.low <= found.after.low - found.before.value
