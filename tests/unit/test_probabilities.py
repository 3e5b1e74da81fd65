"""After tuning: probabilities that mean what they say, and answers that are withheld."""

from __future__ import annotations

from math import exp
from random import Random

import msgspec
import pytest
from in_process import PROMPT

from appliance.calibrate.probabilities import LEAST_POSITIVES, fit_probabilities
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome, Scored, Written
from appliance.scoring.yes_no import YesNoOutcome
from appliance.statistics.metrics import estimate

YES_NO = Prompt((), "{text}\n{label}? {answer}\n")


def boastful(count: int, scale: float, seed: int = 0) -> list[Scored]:
    """Golds drawn by the softmax of some scores, which are given ``scale`` times as large."""
    random = Random(seed)
    found = []
    for n in range(count):
        honest = [random.gauss(0, 1.5) for _ in range(4)]
        weights = [exp(score) for score in honest]
        [gold] = random.choices(range(4), weights)
        plain = tuple(round(scale * score, 4) for score in honest)
        found.append(Scored(str(n), gold, plain, (0.0,) * 4, ("a", "b", "c", "d")))
    return found


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_the_temperature_undoes_what_scores_boast(scale):
    found = fit_probabilities(PROMPT, boastful(600, scale), "accuracy")
    assert found.temperature == pytest.approx(scale, rel=0.25)


def test_probabilities_are_as_often_right_as_they_say_on_other_rows():
    fitted = fit_probabilities(PROMPT, boastful(600, 4.0), "accuracy")
    unseen = boastful(1500, 4.0, seed=1)
    for prompt, honest in ((fitted, True), (PROMPT, False)):
        told = [o.confidence(prompt) or 0.0 for o in unseen]
        right = sum(o.correct(prompt) for o in unseen) / len(unseen)
        assert (abs(sum(told) / len(told) - right) < 0.05) == honest


def test_nothing_but_temperature_and_abstention_is_fitted_and_no_answer_changes():
    outcomes = boastful(200, 3.0)
    fitted = fit_probabilities(PROMPT, outcomes, "accuracy")
    assert msgspec.structs.replace(fitted, temperature=1.0, abstain=0.0) == PROMPT
    assert 0.0 <= fitted.abstain <= 1.0
    assert [o.predicted(fitted) for o in outcomes] == [o.predicted(PROMPT) for o in outcomes]
    losses = [[o.loss(by, "accuracy") for o in outcomes] for by in (fitted, PROMPT)]
    assert losses[0] == losses[1]


def test_the_calibrated_scores_are_what_a_temperature_is_fitted_to():
    """A bias that undoes a favour makes scores honest that are wildly wrong without it."""
    outcomes = [
        msgspec.structs.replace(o, plain=(o.plain[0] + 20, *o.plain[1:]))
        for o in boastful(600, 1.0)
    ]
    fitted = msgspec.structs.replace(PROMPT, bias=(15.0, -5.0, -5.0, -5.0))
    assert fit_probabilities(fitted, outcomes, "accuracy").temperature == pytest.approx(
        1.0, rel=0.25
    )
    assert fit_probabilities(PROMPT, outcomes, "accuracy").temperature > 2


def withheld(prompt: Prompt, outcomes: list[Outcome]) -> float:
    """The share of answers that a device would not show."""
    told = [o.confidence(prompt) or 0.0 for o in outcomes]
    return sum(p < prompt.abstain for p in told) / len(told)


def test_answers_that_are_rather_wrong_than_right_are_withheld():
    doubtful = boastful(400, 0.2)
    certain = [Scored(str(n), 0, (9.0, 0.0), (0.0, 0.0), ("a", "b")) for n in range(400)]
    assert withheld(fit_probabilities(PROMPT, [*certain, *doubtful], "accuracy"), [*doubtful]) > 0.2
    assert withheld(fit_probabilities(PROMPT, [*certain], "accuracy"), [*certain]) == 0.0


def asked(count: int, scale: float, bias: float = 0.0, seed: int = 5) -> list[Outcome]:
    """Three yes/no questions a row, whose margins are given ``scale`` times as large, and with a
    ``bias`` towards yes."""
    random, found = Random(seed), []
    for n in range(count):
        honest = [random.gauss(0, 1.5) for _ in range(3)]
        gold = tuple(random.random() < 1 / (1 + exp(-margin)) for margin in honest)
        plain = tuple(round(scale * margin + bias, 4) for margin in honest)
        allowed = (True,) * 3
        found.append(
            YesNoOutcome(str(n), ("a", "b", "c"), gold, plain, (0.0,) * 3, allowed, "-", True)
        )
    return found


def test_the_temperature_of_yes_no_answers_grows_with_their_margins():
    once, thrice = (
        fit_probabilities(YES_NO, asked(400, scale), "macro_f1") for scale in (1.0, 3.0)
    )
    assert thrice.temperature == pytest.approx(3 * once.temperature, rel=0.01)
    assert thrice.threshold == pytest.approx(3 * once.threshold, rel=0.01)
    assert thrice.intercept == pytest.approx(3 * once.intercept, rel=0.01)


@pytest.mark.parametrize("bias", [-6.0, 0.0, 6.0])
def test_probabilities_of_yes_no_answers_are_right_although_a_miss_weighs_more(bias):
    fitted = fit_probabilities(YES_NO, asked(600, 2.0, bias), "macro_f1")
    unseen = asked(1500, 2.0, bias, seed=6)
    assert fitted.threshold + fitted.intercept == pytest.approx(bias, abs=0.4)
    assert fitted.intercept > 1  # where they err equally a yes is less likely
    right = sum(o.correct(fitted) for o in unseen) / len(unseen)
    for prompt, honest in (
        (fitted, True),
        (msgspec.structs.replace(fitted, intercept=0.0), False),
    ):
        told = [o.confidence(prompt) or 0.0 for o in unseen]
        assert (abs(sum(told) / len(told) - right) < 0.05) == honest


def test_a_threshold_is_fitted_again_where_fewer_rows_have_something_to_find():
    """On the rows of the search every other one was a yes, here one in twenty is."""
    random = Random(6)
    outcomes: list[Outcome] = []
    for n in range(400):
        gold = n % 20 == 0
        margin = round(random.gauss(1.0 if gold else -1.0, 1.0), 4)
        outcomes.append(YesNoOutcome(str(n), ("a",), (gold,), (margin,), (0.0,), (True,), "-"))
    eager = msgspec.structs.replace(YES_NO, threshold=-0.5, weight=0.25)
    fitted = fit_probabilities(eager, outcomes, "micro_f1")
    assert fitted.threshold > 0 and (fitted.weight, fitted.example) == (0.25, eager.example)
    before, after = (estimate(outcomes, p, "micro_f1").value for p in (eager, fitted))
    assert after > before + 0.1


def rare(count: int, positives: int) -> list[Outcome]:
    """``positives`` of the rows have the label, of which the model is rather sure."""
    random = Random(8)
    margins = [round(random.gauss(2.0 if n < positives else -2.0, 1.0), 4) for n in range(count)]
    return [
        YesNoOutcome(str(n), ("a",), (n < positives,), (margin,), (0.0,), (True,), "-")
        for n, margin in enumerate(margins)
    ]


@pytest.mark.parametrize("positives", [0, 1, LEAST_POSITIVES - 1])
@pytest.mark.parametrize("metric", ["accuracy", "micro_f1"])
def test_the_threshold_of_the_search_stays_where_few_rows_have_something_to_find(positives, metric):
    tuned = msgspec.structs.replace(YES_NO, threshold=1.25)
    fitted = fit_probabilities(tuned, rare(200, positives), metric)
    assert fitted.threshold == 1.25
    assert any(outcome.predicted(fitted) == "a" for outcome in rare(200, 40))
    assert fit_probabilities(tuned, rare(200, LEAST_POSITIVES), metric).threshold != 1.25


def test_probabilities_suit_rows_as_they_come_where_positive_ones_were_moved_up():
    """Half of the cases have the label, and one row in twenty has it."""
    as_they_come, moved_up = rare(2000, 100), [*rare(200, 100)]
    fitted = {
        share: fit_probabilities(YES_NO, moved_up, "micro_f1", fixed=True, positive_share=share)
        for share in (None, 0.05)
    }
    errors = {}
    for share, prompt in fitted.items():
        odds = [(one.plain[0] - prompt.intercept) / prompt.temperature for one in as_they_come]
        told = sum(1 / (1 + exp(-each)) for each in odds) / len(odds)
        errors[share] = abs(told - 0.05)
    assert errors[0.05] < 0.015 < errors[None]


def test_a_prompt_that_is_to_stay_as_it_is_gets_probabilities_alone():
    outcomes = asked(400, 2.0, 3.0)
    fitted = fit_probabilities(YES_NO, outcomes, "macro_f1", fixed=True)
    usual = {"temperature": 1.0, "intercept": 0.0, "abstain": 0.0}
    assert fitted != YES_NO == msgspec.structs.replace(fitted, **usual)
    assert [o.predicted(fitted) for o in outcomes] == [o.predicted(YES_NO) for o in outcomes]
    assert fitted.intercept == pytest.approx(3.0, abs=0.4)


@pytest.mark.parametrize("margin", [-30.0, 30.0])
def test_labels_that_types_rule_out_have_no_part_in_probabilities(margin):
    allowed = asked(300, 1.0)
    more = [
        msgspec.structs.replace(
            o, labels=(*o.labels, "d"), gold=(*o.gold, False), plain=(*o.plain, margin),
            free=(0.0,) * 4, allowed=(*o.allowed, False),
        )
        for o in allowed
    ]  # fmt: skip
    assert fit_probabilities(YES_NO, more, "macro_f1") == fit_probabilities(
        YES_NO, allowed, "macro_f1"
    )


def test_where_types_rule_everything_out_there_is_nothing_to_fit_but_the_certain_no():
    nothing = [msgspec.structs.replace(o, allowed=(False,) * 3) for o in asked(40, 1.0)]
    assert fit_probabilities(YES_NO, nothing, "accuracy", fixed=True) == YES_NO


def test_a_prompt_whose_answers_are_written_is_left_as_it_is():
    written = Prompt((), "{text} = {answer}\n")
    outcomes = [Written(str(n), "4", float(n % 2), bool(n % 2), (0, 0, 0), 1.0) for n in range(9)]
    assert fit_probabilities(written, outcomes, "accuracy") is written
