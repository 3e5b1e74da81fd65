"""Calibration: what is fitted to scores before prompts are compared."""

from __future__ import annotations

from math import exp, log
from random import Random

import msgspec
import pytest
from in_process import LABELS, PROMPT, case, row

from appliance.scoring.calibration import (
    SHARES,
    SHARPNESSES,
    WEIGHTS,
    Fit,
    balance,
    calibrated,
    fit,
    log_shares,
    penalty,
    prior,
    rethreshold,
    sharpen,
)
from appliance.scoring.metrics import estimate
from appliance.scoring.outcomes import Judged, Scored, Written
from appliance.task import Case, Example

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


EVEN = log_shares([case(row("A", "B", label)) for label in LABELS])


def test_a_prior_is_the_mean_score_of_each_label_around_zero():
    scored = [Scored("a", 0, (1.0, -2.0), (0.5, 1.0)), Scored("b", 0, (3.0, -4.0), (0.5, 1.0))]
    assert prior(scored, Fit(0.0), (-1.0, -1.0)) == (2.5, -2.5)
    assert prior(scored, Fit(1.0), (-1.0, -1.0)) == (2.75, -2.75)
    assert prior(scored, Fit(0.0), (-1.0, -3.0)) == (1.5, -1.5)
    assert prior(scored, Fit(0.0), ()) == ()


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
    assert balance(shares, "accuracy") == ()
    assert balance(shares, "macro_f1") == pytest.approx((1 / 1.8, 1 / 0.2))
    by_accuracy, by_macro = fit(scored, shares), fit(scored, shares, "macro_f1")

    def recall(label: int, by: Fit) -> float:
        return accuracy([s for s in scored if s.gold == label], by)

    assert accuracy(scored, by_accuracy) > accuracy(scored, by_macro)
    assert recall(1, by_macro) > recall(1, by_accuracy) + 0.2
    assert abs(recall(0, by_macro) - recall(1, by_macro)) < 0.15


def test_shares_are_those_of_the_gold_labels_and_none_is_nothing():
    cases = [case(row("A", "B", label)) for label in ("founder", "founder", "author")]
    assert [round(exp(share), 4) for share in log_shares(cases)] == [0.5, 0.1667, 0.3333]


def test_a_prior_reads_no_gold_label():
    scored = favouring(30)
    turned = [Scored(s.case, (s.gold + 1) % 3, s.plain, s.free) for s in scored]
    assert prior(scored, Fit(0.5), EVEN) == prior(turned, Fit(0.5), EVEN)


def test_batch_calibration_undoes_a_favour_that_the_content_free_branch_does_not_know():
    tuning, unseen = favouring(24), favouring(300, seed=1)
    plain, batch = fit(tuning, ()), fit(tuning, EVEN)
    assert plain.prior == () and accuracy(unseen, plain) < 0.5
    assert accuracy(unseen, batch) > 0.95


def test_a_label_that_is_rare_among_the_tuning_cases_stays_rare():
    """Scores that say nothing: the common label is the best guess, and batch calibration alone
    would guess every label as often."""
    random = Random(3)
    noise = [tuple(round(random.gauss(0, 0.3), 4) for _ in LABELS) for _ in range(200)]
    scored = [Scored(str(n), int(n % 20 == 0), plain, (0.0,) * 3) for n, plain in enumerate(noise)]
    rare = log_shares([case(row("A", "B", LABELS[s.gold])) for s in scored])
    assert accuracy(scored, fit(scored, rare)) == 0.95
    assert accuracy(scored, Fit(0.0, prior(scored, Fit(0.0), EVEN))) < 0.5


@pytest.mark.parametrize("shares", [(), EVEN])
def test_no_calibration_that_was_tried_is_better_than_the_fit(shares):
    scored = favouring(40)
    best = sum(penalty(s, fit(scored, shares)) for s in scored)
    tried = [Fit(w, prior(scored, Fit(w), shares), k) for w in WEIGHTS for k in SHARPNESSES]
    assert best == pytest.approx(min(sum(penalty(s, f) for s in scored) for f in tried))


def test_a_given_calibration_is_kept_and_sharpened_only():
    given = Fit(0.5, (1.0, 0.0, -1.0), sharpness=0.25)
    found = sharpen(favouring(40), [given])
    assert (found.weight, found.prior) == (given.weight, given.prior)


def test_a_prior_for_other_labels_is_no_calibration_of_these_scores():
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


@pytest.mark.parametrize(("direct", "share"), [(True, 0.0), (False, 1.0)])
def test_a_channel_gets_the_share_that_it_deserves(direct, share):
    scored = channelled(60, direct=direct)
    found = fit(scored, ())
    assert found.share == share and found.share in SHARES
    assert accuracy(scored, found) == 1.0


def test_without_a_channel_it_has_no_share():
    assert fit(favouring(24), EVEN).share == 0.0


def test_a_prior_is_taken_of_the_whole_score_the_channel_included():
    scored = [Scored("a", 0, (0.0, 0.0), (0.0, 0.0), channel=(4.0, 0.0))]
    assert prior(scored, Fit(0.0, share=0.5), (-1.0, -1.0)) == (1.0, -1.0)


def asked(count: int, lean: float, seed: int = 0) -> list[Judged]:
    """Each third case has a label; the model leans to yes by so many nats whatever is asked."""
    random = Random(seed)
    found = []
    for n in range(count):
        gold = tuple(n % 9 == y for y in range(3))
        margins = tuple(round(lean + 2.0 * g + random.uniform(-0.9, 0.9), 4) for g in gold)
        found.append(Judged(str(n), LABELS, gold, margins, (0.0,) * 3, (True,) * 3, "none"))
    return found


@pytest.mark.parametrize("lean", [-6.0, 6.0])
@pytest.mark.parametrize("shares", [(), (log(1 / 9),) * 3])
def test_a_threshold_undoes_a_lean_to_yes_or_to_no(lean, shares):
    found = fit(asked(90, lean), shares)
    unseen = asked(180, lean, seed=1)
    assert estimate(unseen, Fit(0.0), "micro_f1").value < 0.2
    assert estimate(unseen, found, "micro_f1").value > 0.8
    if not shares:
        assert found.prior == () and lean < found.threshold < lean + 2


def test_no_threshold_that_was_seen_is_cheaper_than_the_fitted_one():
    scored = asked(40, 1.0)
    found = fit(scored, ())
    cost = sum(s.cost(found) for s in scored)
    margins = {margin for s in scored for margin in s.margins(Fit(found.weight))}
    spread = [sum(s.cost(Fit(found.weight, threshold=cut)) for s in scored) for cut in margins]
    assert cost <= min(spread)


def test_where_hardly_any_answer_is_a_yes_its_threshold_is_found_all_the_same():
    """Fifteen of 3,000: any step between evenly spread margins would let ten wrong ones through."""
    random = Random(7)
    scored = [
        Judged(str(n), ("a",), (n < 15,), (round(random.gauss(4.0 if n < 15 else 0.0, 1.0), 4),),
               (0.0,), (True,), "-")
        for n in range(3000)
    ]  # fmt: skip
    tried = [Fit(0.0, threshold=cut) for s in scored for cut in s.margins(Fit(0.0))]
    best = max(estimate(scored, each, "micro_f1").value for each in tried if each.threshold > 2)
    found = rethreshold(scored, Fit(0.0), "micro_f1")
    assert estimate(scored, found, "micro_f1").value == best > 0.6


def test_where_nothing_is_due_everything_is_a_no():
    scored = [Judged(str(n), ("a",), (False,), (n / 10,), (0.0,), (True,), "-") for n in range(9)]
    assert not any(s.yes(rethreshold(scored, Fit(0.0), "accuracy")) for s in scored)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_new_threshold_leaves_the_rest_of_a_calibration_as_it_is(weight):
    scored = asked(90, 3.0)
    given = Fit(weight, (0.5, 0.0, -0.5), threshold=-9.0)
    found = rethreshold(scored, given, "accuracy")
    assert (found.weight, found.prior) == (given.weight, given.prior)
    assert 3.0 < found.threshold < 5.0


def test_micro_f1_is_what_a_threshold_is_fitted_to_where_it_is_the_metric():
    """Missing is dear by the cost, so accuracy's threshold lets more wrong ones through."""
    random = Random(4)
    scored = []
    for n in range(300):
        gold = n % 10 == 0
        margin = round(random.gauss(1.5 if gold else -1.5, 1.0), 4)
        scored.append(Judged(str(n), ("a",), (gold,), (margin,), (0.0,), (True,), "-"))
    by = {metric: fit(scored, (), metric) for metric in ("accuracy", "micro_f1")}
    f1 = {metric: estimate(scored, found, "micro_f1").value for metric, found in by.items()}
    cost = {metric: sum(s.cost(found) for s in scored) for metric, found in by.items()}
    assert f1["micro_f1"] >= f1["accuracy"] and cost["micro_f1"] >= cost["accuracy"]
    assert by["micro_f1"].threshold != by["accuracy"].threshold


def test_a_label_that_is_asked_for_more_often_gets_a_lower_bar():
    scored = [
        Judged(str(n), LABELS, (n < 60, False, n < 5), (n / 10,) * 3, (0.0,) * 3, (True,) * 3, "-")
        for n in range(100)
    ]
    common, never, rare = fit(scored, (-0.5, -4.6, -3.0)).prior
    assert common < rare < never


def test_a_prior_of_yes_no_answers_reads_no_gold_label():
    scored = asked(30, 2.0)
    turned = [msgspec.structs.replace(s, gold=s.gold[::-1]) for s in scored]
    shares = (-1.0, -1.5, -2.0)
    assert fit(scored, shares).prior == fit(turned, shares).prior


def test_there_is_nothing_to_fit_to_written_answers():
    assert fit([Written("c", "4", 1.0, True, (1, 0, 0), 0.5)], EVEN) == Fit(0.0)


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


def test_a_calibrated_prompt_has_all_that_was_fitted_but_the_sharpness():
    base = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n")
    found = calibrated(base, Fit(0.5, (1.0, 0.0, -1.0), 0.25, 0.1, 2.0))
    assert (found.weight, found.prior, found.share, found.threshold) == (
        0.5, (1.0, 0.0, -1.0), 0.1, 2.0,
    )  # fmt: skip
    assert sharpen(favouring(9), [found]).prior == found.prior


def test_what_is_not_asked_has_no_share():
    labels = (*LABELS, "none")
    cases = [Case(row("A", "B", label), labels) for label in ("founder", "none", "none", "author")]
    assert len(log_shares(cases)) == 4
    assert log_shares(cases, "none") == log_shares(cases)[:3]
