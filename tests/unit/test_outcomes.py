"""What a prompt did with a case: scores, decisions, losses and counts in each form."""

from __future__ import annotations

from math import exp, log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calibrate.fitted import Fit
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import MISS, Scored, Written
from appliance.scoring.yes_no import YesNoOutcome, softplus
from appliance.statistics.metrics import estimate, mean_loss
from appliance.task import MULTIPLE

PLAIN = Fit(0.0)
LABELS = ("founder", "supplier of", "author")


def test_no_decision_hangs_on_the_last_bits():
    near = Scored("c", 0, (0.1, 0.1), (0.00004, 0.0))
    assert near.scores(Fit(1.0)) == (0.1, 0.1) and near.choice(Fit(1.0)) == 0
    assert Scored("c", 1, (0.1, 0.3), (-0.33333, 0.0)).scores(Fit(0.75)) == (0.35, 0.3)


@pytest.mark.parametrize(("weight", "choice"), [(0.0, 1), (0.5, 0), (1.0, 0)])
def test_a_calibrated_score_is_less_what_the_label_has_without_content(weight, choice):
    scored = Scored("c", 0, (-2.0, -1.0), (-4.0, -1.0))
    assert scored.choice(Fit(weight)) == choice
    assert scored.correct(Fit(weight)) == (choice == 0)
    assert scored.scores(Fit(weight)) == (-2.0 + 4 * weight, -1.0 + weight)


def test_the_loss_is_the_cross_entropy_of_the_gold_label():
    scored = Scored("c", 0, (1.0, 1.0), (0.0, 0.0))
    assert scored.loss(PLAIN, "accuracy") == 0.6931
    sharp = Scored("c", 0, (2.0, 0.0), (0.0, 0.0))
    assert sharp.loss(PLAIN, "accuracy") == 0.1269 and sharp.loss(PLAIN, "accuracy", 0.5) == 0.3133
    assert estimate([scored, sharp], PLAIN, "accuracy").value == 1.0
    assert mean_loss([scored, sharp], PLAIN, "accuracy") == pytest.approx((0.6931 + 0.1269) / 2)


@pytest.mark.parametrize(
    ("channel_weight", "scores"),
    [(0.0, (-1.0, -2.0)), (0.25, (-3.25, -2.0)), (1.0, (-10.0, -2.0))],
)
def test_a_channel_has_its_share_of_the_score(channel_weight, scores):
    scored = Scored("c", 1, (-1.0, -2.0), (0.0, 0.0), channel=(-10.0, -2.0))
    assert scored.scores(Fit(0.0, channel_weight=channel_weight)) == scores
    assert scored.correct(Fit(0.0, channel_weight=channel_weight)) == (channel_weight > 0)
    without = msgspec.structs.replace(scored, channel=())
    assert without.scores(Fit(0.0, channel_weight=channel_weight)) == (-1.0, -2.0)


def test_a_share_leaves_the_content_free_branch_the_rest_and_the_prior_whole():
    scored = Scored("c", 0, (-2.0, -1.0), (-4.0, -1.0), channel=(-8.0, -6.0))
    found = scored.scores(Fit(1.0, (0.5, -0.5), channel_weight=0.5))
    assert found == (0.5 * (-2.0 + 4.0) - 4.0 - 0.5, 0.5 * (-1.0 + 1.0) - 3.0 + 0.5)


@pytest.mark.parametrize(
    ("choice", "gold", "tally"),
    [
        (0, 0, (1, 0, 0)),
        (0, 1, (0, 1, 1)),
        (0, 2, (0, 1, 0)),
        (2, 0, (0, 0, 1)),
        (2, 2, (0, 0, 0)),
    ],
)
def test_none_of_the_above_is_nothing_found_and_nothing_to_find(choice, gold, tally):
    plain = tuple(float(y == choice) for y in range(3))
    scored = Scored("c", gold, plain, (0.0,) * 3, LABELS, none=2)
    assert scored.tally(PLAIN) == tally
    assert scored.predicted(PLAIN) == LABELS[choice] and scored.correct(PLAIN) == (choice == gold)


def test_without_none_of_the_above_every_answer_is_a_finding():
    scored = Scored("c", 2, (0.0, 1.0, 0.0), (0.0,) * 3, LABELS)
    assert scored.tally(PLAIN) == (0, 1, 1)
    assert msgspec.structs.replace(scored, gold=1).tally(PLAIN) == (1, 0, 0)


def test_the_confidence_is_the_probability_of_what_was_chosen_at_a_temperature():
    scored = Scored("c", 1, (2.0, 0.0, 0.0), (0.0,) * 3, LABELS)
    assert scored.confidence(probable()) == round(exp(2) / (exp(2) + 2), 4)
    assert scored.confidence(probable(2.0)) == round(exp(1) / (exp(1) + 2), 4)


def probable(temperature: float = 1.0, intercept: float = 0.0) -> Prompt:
    return Prompt((), "{text}: {label}\n", temperature=temperature, intercept=intercept)


def judged(*margins: float, gold: tuple[int, ...] = (0,), **more: object) -> YesNoOutcome:
    """Three questions with those margins of yes over no."""
    fields = {"free": (0.0,) * 3, "allowed": (True,) * 3, "none": "none", **more}
    return YesNoOutcome(
        case="c",
        labels=LABELS,
        gold=tuple(y in gold for y in range(3)),
        plain=margins,
        **fields,
    )


@pytest.mark.parametrize(
    ("margins", "gold", "said", "first", "correct", "tally"),
    [
        ((1, -1, -1), (0,), "founder", "founder", True, (1, 0, 0)),
        ((1, -1, -1), (1,), "founder", "founder", False, (0, 1, 1)),
        ((-1, -1, -1), (), "none", "none", True, (0, 0, 0)),
        ((-1, -1, -1), (1,), "none", "none", False, (0, 0, 1)),
        ((1, -1, -1), (), "founder", "founder", False, (0, 1, 0)),
        ((1, 2, -1), (0,), MULTIPLE, "founder", False, (0, 1, 1)),
        ((1, 2, -1), (1,), MULTIPLE, "founder", False, (0, 1, 1)),
        ((1, 2, 3), (), MULTIPLE, "founder", False, (0, 1, 0)),
        ((0, -1, -1), (0,), "founder", "founder", True, (1, 0, 0)),
    ],
)
def test_several_yes_are_one_wrong_answer_unless_the_first_is_taken(
    margins, gold, said, first, correct, tally
):
    found = judged(*margins, gold=gold)
    assert (found.predicted(PLAIN), found.predicted(PLAIN, first=True)) == (said, first)
    assert found.correct(PLAIN) == correct and found.credit(PLAIN) == float(correct)
    assert found.tally(PLAIN) == tally


@pytest.mark.parametrize(
    ("margins", "gold", "said", "tally"),
    [
        ((1, -1, 1), (0, 2), "founder | author", (2, 0, 0)),
        ((1, 1, -1), (0, 2), "founder | supplier of", (1, 1, 1)),
        ((-1, -1, -1), (0, 2), "none", (0, 0, 2)),
        ((-1, -1, -1), (), "none", (0, 0, 0)),
    ],
)
def test_a_text_of_several_labels_is_right_where_all_of_them_are(margins, gold, said, tally):
    found = judged(*margins, gold=gold, several=True)
    assert found.predicted(PLAIN) == said and found.tally(PLAIN) == tally
    assert found.predicted(PLAIN, first=True) == said
    assert found.correct(PLAIN) == (tally[1] == tally[2] == 0)


def test_a_yes_is_said_above_the_threshold_and_at_it():
    found = judged(1.0, 2.0, -3.0)
    assert found.yes(Fit(0.0, threshold=1.5)) == ["supplier of"]
    assert found.yes(Fit(0.0, threshold=2.0)) == ["supplier of"]
    assert found.yes(Fit(0.0, threshold=-3.0)) == list(LABELS)
    assert found.yes(Fit(0.0, threshold=2.1)) == []


def test_the_branch_without_content_the_priors_and_the_threshold_are_taken_from_a_margin():
    found = judged(1.0, 2.0, 3.0, free=(2.0, 0.0, -2.0))
    assert found.margins(Fit(0.5, (0.0, 1.0, 0.25), threshold=0.25)) == (-0.25, 0.75, 3.5)


def test_a_label_that_the_types_rule_out_is_never_said_however_sure_the_model_is():
    found = judged(9.0, 1.0, -1.0, gold=(1,), allowed=(False, True, True))
    assert found.predicted(PLAIN) == "supplier of" and found.correct(PLAIN)
    assert found.tally(PLAIN) == (1, 0, 0)
    assert judged(9.0, -1.0, -1.0, gold=(0,), allowed=(False,) * 3).predicted(PLAIN) == "none"


@pytest.mark.parametrize(
    ("metric", "costs"),
    [
        ("accuracy", [1.0, 1.0, 1.0]),
        ("micro_f1", [1 / (1 + MISS), MISS / (1 + MISS), 1.0]),
        ("macro_f1", [1 / (1 + MISS), MISS / (1 + MISS), 1.0]),
    ],
)
def test_a_missed_label_costs_more_than_a_wrong_one_unless_accuracy_is_sought(metric, costs):
    wrong = judged(1.0, -1.0, -1.0, gold=())
    missed = judged(-1.0, -1.0, -1.0, gold=(0,))
    both = judged(-1.0, 1.0, -1.0, gold=(0,))
    assert [outcome.error(PLAIN, metric) for outcome in (wrong, missed, both)] == costs
    assert judged(1.0, -1.0, -1.0).error(PLAIN, metric) == 0.0


@pytest.mark.parametrize(("metric", "miss"), [("accuracy", 1.0), ("micro_f1", MISS)])
def test_the_loss_of_yes_no_answers_is_their_weighted_cross_entropy(metric, miss):
    found = judged(2.0, -1.0, 1.0)
    expected = (miss * log(1 + exp(-2)) + log(1 + exp(-1)) + log(1 + exp(1))) / (miss + 2)
    assert found.loss(PLAIN, metric) == pytest.approx(expected, abs=1e-4)
    blunt = (miss * log(1 + exp(-1)) + log(1 + exp(-0.5)) + log(1 + exp(0.5))) / (miss + 2)
    assert found.loss(PLAIN, metric, 0.5) == pytest.approx(blunt, abs=1e-4)


def test_a_label_that_the_types_rule_out_costs_no_loss():
    found = judged(2.0, -1.0, 9.0, allowed=(True, True, False))
    expected = (log(1 + exp(-2)) + log(1 + exp(-1))) / 2
    assert found.loss(PLAIN, "accuracy") == pytest.approx(expected, abs=1e-4)
    assert judged(2.0, -1.0, 9.0, allowed=(False,) * 3).loss(PLAIN, "accuracy") == 0.0


def test_there_is_something_to_find_where_a_label_other_than_none_is_right():
    assert judged(0.0, 0.0, 0.0).positive and not judged(0.0, 0.0, 0.0, gold=()).positive
    plain = Scored("c", 2, (0.0,) * 3, (0.0,) * 3, LABELS, none=2)
    assert not plain.positive and msgspec.structs.replace(plain, gold=1).positive
    assert Written("c", "", 0.0, False, (0, 0, 1), 0.0).positive
    assert not Written("c", "", 0.0, False, (0, 1, 0), 0.0).positive


def test_the_confidence_of_yes_no_answers_is_that_of_all_of_them_together():
    found = judged(2.0, -1.0, 9.0, allowed=(True, True, False))
    expected = 1 / (1 + exp(-2)) * 1 / (1 + exp(-1))
    assert found.confidence(probable()) == pytest.approx(expected, abs=1e-4)
    assert found.confidence(probable(100.0)) == pytest.approx(0.25, abs=0.01)


def test_a_yes_that_is_said_because_a_miss_costs_more_may_be_less_likely_than_a_no():
    found = judged(2.0, -1.0, 0.5)
    expected = 1 / (1 + exp(-(2 - 1))) * 1 / (1 + exp(-(1 + 1))) * 1 / (1 + exp(1 - 0.5))
    assert found.yes(PLAIN) == ["founder", "author"]
    assert found.confidence(probable(intercept=1.0)) == pytest.approx(expected, abs=1e-4)


@given(st.lists(st.floats(-9, 9), min_size=3, max_size=3), st.sets(st.integers(0, 2), max_size=1))
def test_a_case_is_right_where_nothing_is_wrong_or_missed(margins, gold):
    found = judged(*(round(m, 4) for m in margins), gold=tuple(gold))
    hits, wrong, missed = found.tally(PLAIN)
    assert found.correct(PLAIN) == (wrong == missed == 0)
    assert hits + missed == len(gold) and 0 <= found.error(PLAIN, "micro_f1") <= 1


def test_a_written_answer_counts_as_it_was_read_whatever_the_calibration():
    written = Written("c", "in Berlin", 0.5, False, (0, 1, 1), 1.25)
    for by in (PLAIN, Fit(1.0, threshold=3.0)):
        assert (written.credit(by), written.correct(by)) == (0.5, False)
        assert (written.error(by, "token_f1"), written.error(by, "accuracy")) == (0.5, 1.0)
        assert (written.predicted(by), written.tally(by)) == ("in Berlin", (0, 1, 1))
        assert written.loss(by, "token_f1") == written.loss(by, "accuracy", 0.25) == 1.25
        assert written.confidence(probable()) is None


@pytest.mark.parametrize("x", [-800.0, -1.0, 0.0, 1.0, 800.0])
def test_softplus_does_not_overflow(x):
    assert softplus(x) == pytest.approx(log(1 + exp(x)) if abs(x) < 700 else max(x, 0.0))


def test_where_only_some_labels_are_possible_they_share_the_probability():
    every = Scored("c", 0, (2.0, 1.0, 0.5), (0.1, 0.2, 0.3), LABELS, none=2)
    some = every.among(("author", "founder"))
    assert (some.labels, some.plain, some.free) == (("author", "founder"), (0.5, 2.0), (0.3, 0.1))
    assert (some.gold, some.none) == (1, 0)
    assert some.confidence(probable()) == pytest.approx(exp(2.0) / (exp(2.0) + exp(0.5)), abs=1e-4)
    assert every.among(("founder",)).none == -1
    yes = judged(1.0, -1.0, 2.0).among((LABELS[2], LABELS[1]))
    assert yes.plain == (2.0, -1.0) and yes.yes(PLAIN) == [LABELS[2]]


def test_a_prompt_is_a_calibration():
    prompt = Prompt((), "{text} {label}\n", weight=1.0)
    assert Scored("c", 0, (-2.0, -1.0), (-4.0, -1.0)).scores(prompt) == (2.0, 0.0)
