"""Where too little is there to claim a gain, the sentence says what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.statistics.claims import refusal
from appliance.statistics.f1 import LEAST_POSITIVES
from appliance.statistics.paired import weigh

HIT, MISSED, NOTHING = (1, 0, 0), (0, 0, 1), (0, 0, 0)


def test_five_differing_cases_are_refused_and_six_are_not() -> None:
    few = weigh([0] * 40, [1] * 5 + [0] * 35)
    assert refusal(few, 0.05) == (
        "the prompts differ on 5 cases only: at p < 0.05 at least 6 are needed"
    )
    enough = weigh([0] * 40, [1] * 6 + [0] * 34)
    assert refusal(enough, 0.05) == ""


@pytest.mark.parametrize(("alpha", "least"), [(0.05, 6), (0.025, 7), (0.0125, 8), (2 / 2**6, 7)])
def test_what_is_not_refused_can_reach_the_threshold(alpha: float, least: int) -> None:
    for differing in (least - 1, least):
        found = weigh([0] * 40, [1] * differing + [0] * (40 - differing))
        assert (found.p < alpha) == (refusal(found, alpha) == "") == (differing == least)


def test_few_clusters_are_refused_however_many_cases_they_have() -> None:
    clusters = [case % 5 for case in range(500)]
    found = weigh([0] * 500, [1] * 500, clusters)
    assert refusal(found, 0.05, "relation") == (
        "5 relations cannot prove a gain: at p < 0.05 at least 6 are needed"
    )
    assert refusal(found, 0.1, "relation") == ""


def test_an_f1_with_few_cases_to_find_is_refused() -> None:
    def found(positives: int) -> str:
        before = np.array([MISSED] * positives + [NOTHING] * 200)
        after = np.array([HIT] * positives + [NOTHING] * 200)
        return refusal(weigh(before, after), 0.05)

    assert found(12) == (
        "12 cases with something to find cannot prove a gain in F1: at least 15 are needed"
    )
    assert found(LEAST_POSITIVES) == ""


def test_a_macro_f1_with_a_rare_label_is_refused() -> None:
    def found(rare: int, frequent: int) -> str:
        before = np.zeros((rare + frequent, 2, 3))
        before[:rare, 0, 2] = before[rare:, 1, 2] = 1
        after = before[..., ::-1]
        return refusal(weigh(before, after), 0.05)

    assert found(3, 97) == (
        "5 cases of each label (harmonic mean) cannot prove a gain in F1: at least 15 are needed"
    )
    assert found(8, 192) == found(15, 15) == ""


def test_an_f1_whose_finds_stand_in_few_clusters_is_refused() -> None:
    before = np.array([MISSED] * 20 + [NOTHING] * 80)
    after = np.array([HIT] * 20 + [NOTHING] * 80)
    clusters = [case // 5 for case in range(100)]
    assert refusal(weigh(before, after, clusters), 0.05, "query") == (
        "4 queries with something to find cannot prove a gain in F1: "
        "at p < 0.05 at least 6 are needed"
    )
