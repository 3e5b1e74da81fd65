"""What is known of all tuning cases: the labels' shares, and how much each case counts."""

from __future__ import annotations

from math import exp

import pytest
from in_process import LABELS, case, row

from appliance.calibrate.objective import Objective, log_shares
from appliance.scoring.outcomes import Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import Case, Example


def test_shares_are_those_of_the_gold_labels_and_none_is_nothing():
    cases = [case(row("A", "B", label)) for label in ("founder", "founder", "author")]
    assert [round(exp(share), 4) for share in log_shares(cases)] == [0.5, 0.1667, 0.3333]


def test_shares_of_texts_with_several_labels_are_those_of_each_label():
    texts = [("founder", "author"), ("founder",), (), ("founder",)]
    cases = [Case(Example(str(n), labels=labels), LABELS) for n, labels in enumerate(texts)]
    assert [round(exp(share) * 6, 4) for share in log_shares(cases)] == [4.0, 1.0, 2.0]


def test_cases_with_options_of_their_own_have_no_shares():
    offered = [
        Example("?", answers=("a",), choices=("a", "b")),
        Example("!", answers=("c",), choices=("c", "d")),
    ]
    assert log_shares([Case(query) for query in offered]) == ()
    assert log_shares([Case(query) for query in offered[:1]]) != ()
    assert log_shares([Case(Example("1 + 1", answers=("2",)))]) == ()


def test_what_is_not_asked_has_no_share():
    labels = (*LABELS, "none")
    cases = [Case(row("A", "B", label), labels) for label in ("founder", "none", "none", "author")]
    assert len(log_shares(cases)) == 4
    assert Objective(shares=log_shares(cases), none=3).asked_shares == log_shares(cases)[:3]


def test_each_label_weighs_the_same_for_macro_f1_none_of_the_above_too():
    labels = (*LABELS, "none")
    cases = [Case(row("A", "B", label), labels) for label in ("founder", "none", "none", "author")]
    objective = Objective("macro_f1", log_shares(cases), none=3)
    chosen = [Scored(c.id, c.gold, (0.0,) * 4, (0.0,) * 4, labels, none=3) for c in cases]
    weights = objective.weights(chosen)
    assert weights[0] == weights[3] > weights[1] == weights[2]


def asked(*golds: bool) -> list[YesNoOutcome]:
    """One question each."""
    return [
        YesNoOutcome(str(n), ("a",), (gold,), (0.0,), (0.0,), (True,), "-")
        for n, gold in enumerate(golds)
    ]


def test_cases_that_were_moved_up_count_by_their_share_of_all_over_that_of_those_seen():
    seen = asked(True, False, True, False)
    assert Objective("micro_f1", positive_share=0.1).weights(seen) == pytest.approx(
        [0.2, 1.8, 0.2, 1.8]
    )
    deeper = [*seen, *asked(*[False] * 6)]
    assert sum(Objective("micro_f1", positive_share=0.1).weights(deeper)) == pytest.approx(10)
    assert Objective("micro_f1", positive_share=0.4).weights(deeper)[:2] == pytest.approx(
        [2.0, 0.75]
    )


def test_labels_that_are_chosen_among_count_as_yes_no_questions_do():
    chosen = [Scored(str(y), y, (0.0,) * 3, (0.0,) * 3, LABELS, none=2) for y in (0, 2)]
    assert Objective("micro_f1", positive_share=0.1).weights(chosen) == pytest.approx([0.2, 1.8])


def test_cases_count_alike_where_they_come_as_they_are_or_are_all_of_one_kind():
    for seen in (asked(True, True), asked(False, False)):
        assert Objective("micro_f1", positive_share=0.1).weights(seen) == [1.0, 1.0]
    assert Objective("micro_f1").weights(asked(True, False, False)) == [1.0] * 3
    assert (
        Objective("micro_f1").weights([])
        == Objective("micro_f1", positive_share=0.1).weights([])
        == []
    )
