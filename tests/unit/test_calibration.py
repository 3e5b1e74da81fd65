"""Calibration: what is fitted to scores before prompts are compared."""

from __future__ import annotations

from math import log
from random import Random
from statistics import fmean

import msgspec
import numpy as np
import pytest
from in_process import LABELS, PROMPT, case, row

from appliance.calibrate.calibration import (
    CHANNEL_WEIGHTS,
    INVERSE_TEMPERATURES,
    calibrated,
    fit,
    fit_inverse_temperature,
    held_out,
    label_bias,
    penalties,
)
from appliance.calibrate.fitted import WEIGHTS, Fit
from appliance.calibrate.objective import Objective, log_shares
from appliance.calibrate.shrinkage import folds
from appliance.calibrate.threshold import rethreshold
from appliance.scoring.outcomes import Scored, Written
from appliance.scoring.yes_no import YesNoOutcome
from appliance.statistics.metrics import estimate

FAVOUR = (6.0, 0.0, -3.0)


def favouring(count: int, seed: int = 0) -> list[Scored]:
    """The gold label leads by two nats and some noise, under a favour for the first label that the
    content-free branch knows nothing of."""
    random = Random(seed)
    found = []
    for n in range(count):
        gold = n % 3
        plain = (
            round(favour + 2.0 * (label == gold) + random.uniform(-0.5, 0.5), 4)
            for label, favour in enumerate(FAVOUR)
        )
        found.append(Scored(str(n), gold, tuple(plain), (0.0, 0.0, 0.0)))
    return found


def accuracy(scored: list[Scored], by: Fit) -> float:
    return estimate(scored, by, "accuracy").value


PLAIN = Objective()
EQUAL_SHARES = Objective(shares=log_shares([case(row("A", "B", label)) for label in LABELS]))


def test_a_bias_is_the_mean_score_of_each_label_around_zero():
    scored = [Scored("a", 0, (1.0, -2.0), (0.5, 1.0)), Scored("b", 0, (3.0, -4.0), (0.5, 1.0))]
    assert label_bias(scored, Fit(0.0), Objective(shares=(-1.0, -1.0))) == (2.5, -2.5)
    assert label_bias(scored, Fit(1.0), Objective(shares=(-1.0, -1.0))) == (2.75, -2.75)
    assert label_bias(scored, Fit(0.0), Objective(shares=(-1.0, -3.0))) == (1.5, -1.5)
    assert label_bias(scored, Fit(0.0), PLAIN) == ()


def unbalanced(count: int, seed: int = 0) -> list[Scored]:
    """Nine of ten are of the first label; the right one leads by a nat and noise of as much."""
    random = Random(seed)
    golds = [int(n % 10 == 0) for n in range(count)]
    gaps = [random.gauss(-1.0 if gold else 1.0, 1.0) for gold in golds]
    each = enumerate(zip(golds, gaps, strict=True))
    return [Scored(str(n), gold, (round(gap, 4), 0.0), (0.0, 0.0)) for n, (gold, gap) in each]


def test_for_macro_f1_a_rare_label_counts_as_much_as_a_frequent_one():
    scored = unbalanced(400)
    shares = (log(0.9), log(0.1))
    assert Objective("accuracy", shares).weights(scored[:2]) == [1.0, 1.0]
    assert Objective("macro_f1", shares).weights(scored[:2]) == pytest.approx([1 / 0.2, 1 / 1.8])
    by_accuracy, by_macro = (fit(scored, Objective(m, shares)) for m in ("accuracy", "macro_f1"))

    def recall(label: int, by: Fit) -> float:
        return accuracy([s for s in scored if s.gold == label], by)

    assert accuracy(scored, by_accuracy) > accuracy(scored, by_macro)
    assert recall(1, by_macro) > recall(1, by_accuracy) + 0.2
    assert abs(recall(0, by_macro) - recall(1, by_macro)) < 0.15


def test_a_bias_reads_no_gold_label():
    scored = favouring(30)
    turned = [Scored(s.case, (s.gold + 1) % 3, s.plain, s.free) for s in scored]
    assert label_bias(scored, Fit(0.5), EQUAL_SHARES) == label_bias(turned, Fit(0.5), EQUAL_SHARES)


def test_batch_calibration_undoes_a_favour_that_the_content_free_branch_does_not_know():
    tuning, unseen = favouring(24), favouring(300, seed=1)
    plain, batch = fit(tuning, PLAIN), fit(tuning, EQUAL_SHARES)
    assert plain.bias == () and accuracy(unseen, plain) < 0.5
    assert accuracy(unseen, batch) > 0.95


def test_a_label_that_is_rare_among_the_tuning_cases_stays_rare():
    """The scores say nothing: the common label is the best guess, and batch calibration alone would
    predict every label equally often."""
    random = Random(3)
    noise = [tuple(round(random.gauss(0, 0.3), 4) for _ in LABELS) for _ in range(200)]
    scored = [Scored(str(n), int(n % 20 == 0), plain, (0.0,) * 3) for n, plain in enumerate(noise)]
    rare = Objective(shares=log_shares([case(row("A", "B", LABELS[s.gold])) for s in scored]))
    assert accuracy(scored, fit(scored, rare)) == 0.95
    assert accuracy(scored, Fit(0.0, label_bias(scored, Fit(0.0), EQUAL_SHARES))) < 0.5


@pytest.mark.parametrize("objective", [PLAIN, EQUAL_SHARES])
def test_no_calibration_that_was_tried_is_better_than_the_fit(objective):
    scored = favouring(40)
    best = sum(penalties(scored, fit(scored, objective), objective))
    tried = [
        Fit(w, label_bias(scored, Fit(w), objective), k)
        for w in WEIGHTS
        for k in INVERSE_TEMPERATURES
    ]
    assert best == pytest.approx(min(sum(penalties(scored, f, objective)) for f in tried))


def test_a_case_is_read_by_a_calibration_that_was_fitted_to_the_other_folds():
    random, labels = Random(1), 4
    shares = Objective(shares=(log(1 / labels),) * labels)
    rows = [
        Scored(str(n), n % 3, tuple(random.gauss(y, 3) for y in range(labels)), (0.0,) * labels)
        for n in range(23)
    ]
    held = held_out(rows, shares)
    fold = folds(np.array([row.gold for row in rows]))
    assert [(one.case, one.gold) for one in held] == [(one.case, one.gold) for one in rows]
    for at, one in enumerate(held):
        by = fit([row for n, row in enumerate(rows) if fold[n] != fold[at]], shares)
        expected = [by.inverse_temperature * score for score in rows[at].scores(by)]
        assert one.scores(Fit(0.0)) == pytest.approx(expected, abs=1e-4)


def test_every_fold_has_each_label_about_as_often_as_the_others():
    """Cases stand in an order in which labels alternate: every fifth would have one label alone."""
    gold = np.arange(40) % 5
    fold = folds(gold)
    assert all(np.bincount(gold[fold == number], minlength=5).min() >= 1 for number in range(5))


def test_rows_of_one_group_are_in_one_fold():
    gold = np.arange(30) % 3
    groups = [f"group {n // 4}" if n < 20 else "" for n in range(30)]
    fold = folds(gold, groups)
    assert all(len(set(fold[at : at + 4])) == 1 for at in range(0, 20, 4))
    assert len(set(fold[20:])) > 1 and np.bincount(fold, minlength=5).min() >= 3


def test_one_case_has_no_others_to_be_calibrated_by():
    only = Scored("1", 0, (1.0, 0.0), (0.0, 0.0))
    assert held_out([only], Objective()) == [only]


def test_a_given_calibration_gets_an_inverse_temperature_alone():
    given = Fit(0.5, (1.0, 0.0, -1.0), inverse_temperature=0.25)
    found = fit_inverse_temperature(favouring(40), [given], PLAIN)
    assert (found.weight, found.bias) == (given.weight, given.bias)


def test_a_bias_for_other_labels_is_no_calibration_of_these_scores():
    with pytest.raises(ValueError, match="zip"):
        favouring(1)[0].scores(Fit(0.0, (1.0, 2.0)))


def channelled(count: int, *, direct: bool) -> list[Scored]:
    """Half of the truth is in the direct score or in the channel's, the other one is noise."""
    random = Random(7)
    found = []
    for n in range(count):
        gold = n % 3
        knows = tuple(2.0 * (y == gold) for y in range(3))
        noise = tuple(round(random.gauss(0, 2), 4) for _ in range(3))
        plain, channel = (knows, noise) if direct else (noise, knows)
        found.append(Scored(str(n), gold, plain, (0.0,) * 3, LABELS, channel))
    return found


@pytest.mark.parametrize(("direct", "weight"), [(True, 0.0), (False, 1.0)])
def test_a_channel_gets_the_weight_that_it_deserves(direct, weight):
    scored = channelled(60, direct=direct)
    found = fit(scored, PLAIN)
    assert found.channel_weight == weight and found.channel_weight in CHANNEL_WEIGHTS
    assert accuracy(scored, found) == 1.0


def test_without_a_channel_its_weight_is_0():
    assert fit(favouring(24), EQUAL_SHARES).channel_weight == 0.0


def test_a_bias_is_taken_of_the_whole_score_the_channel_included():
    scored = [Scored("a", 0, (0.0, 0.0), (0.0, 0.0), channel=(4.0, 0.0))]
    assert label_bias(scored, Fit(0.0, channel_weight=0.5), Objective(shares=(-1.0, -1.0))) == (
        1.0,
        -1.0,
    )


def asked(count: int, lean: float, seed: int = 0) -> list[YesNoOutcome]:
    """Each third case has a label; the model leans to yes by ``lean`` nats whatever is asked."""
    random = Random(seed)
    found = []
    for n in range(count):
        gold = tuple(n % 9 == y for y in range(3))
        margins = tuple(round(lean + 2.0 * g + random.uniform(-0.9, 0.9), 4) for g in gold)
        found.append(YesNoOutcome(str(n), LABELS, gold, margins, (0.0,) * 3, (True,) * 3, "none"))
    return found


@pytest.mark.parametrize("lean", [-6.0, 6.0])
@pytest.mark.parametrize("shares", [(), (log(1 / 9),) * 3])
def test_a_threshold_undoes_a_lean_to_yes_or_to_no(lean, shares):
    found = fit(asked(90, lean), Objective("micro_f1", shares))
    unseen = asked(180, lean, seed=1)
    assert estimate(unseen, Fit(0.0), "micro_f1").value < 0.2
    assert estimate(unseen, found, "micro_f1").value > 0.8
    if not shares:
        assert found.bias == () and lean < found.threshold < lean + 2


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_no_observed_threshold_has_less_error_than_the_fitted_one(metric):
    scored = asked(40, 1.0)
    found = fit(scored, Objective(metric))
    margins = {margin for s in scored for margin in s.margins(Fit(found.weight))}
    tried = [found, *(Fit(found.weight, threshold=cut) for cut in margins)]
    least, *errors = (sum(s.error(by, metric) for s in scored) for by in tried)
    assert least <= min(errors)


def test_where_hardly_any_answer_is_a_yes_its_threshold_is_found_all_the_same():
    """Fifteen of 3,000: any step between evenly spread margins would let ten wrong ones through."""
    random = Random(7)
    scored = [
        YesNoOutcome(
            str(n), ("a",), (n < 15,), (round(random.gauss(4.0 if n < 15 else 0.0, 1.0), 4),),
            (0.0,), (True,), "-",
        )
        for n in range(3000)
    ]  # fmt: skip
    tried = [Fit(0.0, threshold=cut) for s in scored for cut in s.margins(Fit(0.0))]
    best = max(estimate(scored, each, "micro_f1").value for each in tried if each.threshold > 2)
    found = rethreshold(scored, Fit(0.0), Objective("micro_f1"))
    assert estimate(scored, found, "micro_f1").value == best > 0.6


SEQUAL_SHARES_IN_A_HUNDRED = Objective("micro_f1", (log(0.07 / 3),) * 3, positive_share=0.07)


def drawn(count: int, seed: int, *, ordered: bool = False) -> list[YesNoOutcome]:
    """Seven cases in a hundred have something to find, or every other one where they are ordered as
    a race sees them. The model leans to no by another margin on each label."""
    random = Random(seed)
    found = []
    for n in range(count):
        positive = n % 2 == 0 if ordered else random.random() < 0.07
        right = random.randrange(3) if positive else -1
        gold = tuple(y == right for y in range(3))
        margins = tuple(
            round(random.gauss((1.5 if g else -1.5) - 2 * y, 1.0), 4) for y, g in enumerate(gold)
        )
        found.append(YesNoOutcome(str(n), LABELS, gold, margins, (0.0,) * 3, (True,) * 3, "none"))
    return found


def test_a_fit_to_cases_half_of_which_have_something_to_find_holds_where_hardly_any_has():
    f1: dict[str, list[float]] = {"weighed": [], "as seen": [], "best": []}
    for seed in range(6):
        seen, natural = drawn(192, seed, ordered=True), drawn(600, seed + 100)
        unaware = msgspec.structs.replace(SEQUAL_SHARES_IN_A_HUNDRED, positive_share=None)
        for name, by in (
            ("weighed", fit(seen, SEQUAL_SHARES_IN_A_HUNDRED)),
            ("as seen", fit(seen, unaware)),
            ("best", fit(natural, SEQUAL_SHARES_IN_A_HUNDRED)),
        ):
            f1[name].append(estimate(natural, by, "micro_f1").value)
    assert fmean(f1["weighed"]) > fmean(f1["best"]) - 0.06
    assert fmean(f1["weighed"]) > fmean(f1["as seen"]) + 0.06


def test_a_bias_is_that_of_cases_as_they_come_wherever_those_with_something_to_find_stand():
    seen, natural = drawn(300, 1, ordered=True), drawn(1000, 2)
    expected = fit(natural, SEQUAL_SHARES_IN_A_HUNDRED).bias
    assert fit(seen, SEQUAL_SHARES_IN_A_HUNDRED).bias == pytest.approx(expected, abs=0.3)


def ruled_out(scored: list[YesNoOutcome], label: int, margin: float) -> list[YesNoOutcome]:
    """The same where types rule the label out on every other case, whatever its margin is there."""
    allowed = tuple(y != label for y in range(3))
    return [
        s
        if n % 2
        else msgspec.structs.replace(
            s,
            allowed=allowed,
            plain=tuple(m if y != label else margin for y, m in enumerate(s.plain)),
        )
        for n, s in enumerate(scored)
    ]


@pytest.mark.parametrize("metric", ["accuracy", "micro_f1"])
@pytest.mark.parametrize("shares", [(), (log(1 / 9),) * 3])
def test_nothing_is_fitted_to_labels_that_types_rule_out(metric, shares):
    low, high = (ruled_out(asked(90, 1.0), 1, margin) for margin in (-50.0, 50.0))
    assert fit(low, Objective(metric, shares)) == fit(high, Objective(metric, shares))
    nothing = [msgspec.structs.replace(s, allowed=(False,) * 3) for s in low]
    assert fit(nothing, Objective(metric, shares)).threshold == 0.0


def test_a_bias_counts_a_label_among_the_cases_that_may_have_it():
    """A tenth of all have it, a fifth of those that may."""
    margins = [n / 100 for n in range(100)]
    scored = [
        YesNoOutcome(str(n), ("a",), (False,), (m,), (0.0,), (n % 2 == 0,), "-")
        for n, m in enumerate(margins)
    ]
    [bar] = fit(scored, Objective(shares=(log(0.1),))).bias
    assert sum(margin >= bar for margin in margins[::2]) == 10


def test_where_nothing_is_positive_everything_is_a_no():
    scored = [
        YesNoOutcome(str(n), ("a",), (False,), (n / 10,), (0.0,), (True,), "-") for n in range(9)
    ]
    assert not any(s.yes(rethreshold(scored, Fit(0.0), PLAIN)) for s in scored)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_new_threshold_leaves_the_rest_of_a_calibration_as_it_is(weight):
    scored = asked(90, 3.0)
    given = Fit(weight, (0.5, 0.0, -0.5), threshold=-9.0)
    found = rethreshold(scored, given, PLAIN)
    assert (found.weight, found.bias) == (given.weight, given.bias)
    assert 3.0 < found.threshold < 5.0


def test_the_metric_is_what_a_threshold_is_fitted_to():
    """Few have the label, so accuracy says yes where it is sure alone; F1 wants them found."""
    random = Random(4)
    scored = []
    for n in range(300):
        gold = n % 10 == 0
        margin = round(random.gauss(0.7 if gold else -0.7, 1.0), 4)
        scored.append(YesNoOutcome(str(n), ("a",), (gold,), (margin,), (0.0,), (True,), "-"))
    by_accuracy, by_f1 = (fit(scored, Objective(metric)) for metric in ("accuracy", "micro_f1"))
    assert accuracy(scored, by_accuracy) > accuracy(scored, by_f1)
    f1 = [estimate(scored, by, "micro_f1").value for by in (by_accuracy, by_f1)]
    assert f1[0] < f1[1] and by_accuracy.threshold > by_f1.threshold


def test_a_label_that_is_asked_for_more_often_gets_a_lower_bar():
    scored = [
        YesNoOutcome(
            str(n), LABELS, (n < 60, False, n < 5), (n / 10,) * 3, (0.0,) * 3, (True,) * 3, "-"
        )
        for n in range(100)
    ]
    common, never, rare = fit(scored, Objective(shares=(-0.5, -4.6, -3.0))).bias
    assert common < rare < never


def test_a_bias_of_yes_no_answers_reads_no_gold_label():
    scored = asked(30, 2.0)
    turned = [msgspec.structs.replace(s, gold=s.gold[::-1]) for s in scored]
    objective = Objective(shares=(-1.0, -1.5, -2.0))
    assert fit(scored, objective).bias == fit(turned, objective).bias


def test_there_is_nothing_to_fit_to_written_answers():
    assert fit([Written("c", "4", 1.0, True, (1, 0, 0), 0.5)], EQUAL_SHARES) == Fit(0.0)


def test_a_calibrated_prompt_has_all_that_was_fitted_but_the_inverse_temperature():
    base = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n")
    found = calibrated(base, Fit(0.5, (1.0, 0.0, -1.0), 0.25, 0.1, 2.0))
    assert (found.weight, found.bias, found.channel_weight, found.threshold) == (
        0.5, (1.0, 0.0, -1.0), 0.1, 2.0,
    )  # fmt: skip
    assert fit_inverse_temperature(favouring(9), [found], PLAIN).bias == found.bias
