"""A verdict label by label, against figures counted by hand."""

from __future__ import annotations

import pytest

from appliance.report import Confused, LabelRow, by_label, confusions, flips, macro_f1
from appliance.verdict import Answer

ANSWERS = (
    Answer("1", "post", "post", "post"),
    Answer("2", "post", "bill", "post"),
    Answer("3", "post", "post", "bill"),
    Answer("4", "bill", "post", "bill"),
    Answer("5", "bill", "post", "post"),
    Answer("6", "lost", "bill", "bill"),
)


def test_each_label_has_its_cases_and_what_each_prompt_made_of_them():
    assert by_label(ANSWERS) == [
        LabelRow("post", 3, seed_right=2, best_right=2, seed_given=4, best_given=3),
        LabelRow("bill", 2, seed_right=0, best_right=1, seed_given=2, best_given=3),
        LabelRow("lost", 1, seed_right=0, best_right=0, seed_given=0, best_given=0),
    ]


def test_confusions_are_the_best_prompt_s_most_frequent_first():
    twice = (*ANSWERS, Answer("7", "lost", "lost", "bill"))
    assert confusions(twice)[0] == Confused("lost", "bill", 2)
    assert {(c.label, c.said) for c in confusions(ANSWERS)} == {
        ("post", "bill"),
        ("bill", "post"),
        ("lost", "bill"),
    }


def test_flips_are_what_only_one_of_the_two_gets_right():
    won, lost = flips(ANSWERS)
    assert [a.case for a in won] == ["2", "4"] and [a.case for a in lost] == ["3"]


def test_macro_f1_is_the_mean_over_labels_that_occur():
    best = macro_f1(ANSWERS, "best")
    assert best.value == pytest.approx((2 * 2 / 6 + 2 * 1 / 5 + 0) / 3)
    assert best.n == 6 and best.low <= best.value <= best.high
    assert macro_f1(ANSWERS, "seed").value == pytest.approx((2 * 2 / 7 + 0 + 0) / 3)
