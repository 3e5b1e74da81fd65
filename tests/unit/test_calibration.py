"""Calibration: what is fitted to scores before prompts are compared."""

from __future__ import annotations

from math import exp
from random import Random

import pytest
from in_process import LABELS, case, row

from appliance.scoring.calibration import (
    SHARPNESSES,
    WEIGHTS,
    Fit,
    fit,
    log_shares,
    penalty,
    prior,
    sharpen,
)
from appliance.scoring.evaluator import Scored, accuracy

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


EVEN = log_shares([case(row("A", "B", label)) for label in LABELS])


def test_a_prior_is_the_mean_score_of_each_label_around_zero():
    scored = [Scored("a", 0, (1.0, -2.0), (0.5, 1.0)), Scored("b", 0, (3.0, -4.0), (0.5, 1.0))]
    assert prior(scored, 0.0, (-1.0, -1.0)) == (2.5, -2.5)
    assert prior(scored, 1.0, (-1.0, -1.0)) == (2.75, -2.75)
    assert prior(scored, 0.0, (-1.0, -3.0)) == (1.5, -1.5)
    assert prior(scored, 0.0, ()) == ()


def test_shares_are_those_of_the_gold_labels_and_none_is_nothing():
    cases = [case(row("A", "B", label)) for label in ("founder", "founder", "author")]
    assert [round(exp(share), 4) for share in log_shares(cases)] == [0.5, 0.1667, 0.3333]


def test_a_prior_reads_no_gold_label():
    scored = favouring(30)
    turned = [Scored(s.case, (s.gold + 1) % 3, s.plain, s.free) for s in scored]
    assert prior(scored, 0.5, EVEN) == prior(turned, 0.5, EVEN)


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
    assert accuracy(scored, Fit(0.0, prior(scored, 0.0, EVEN))) < 0.5


@pytest.mark.parametrize("shares", [(), EVEN])
def test_no_calibration_that_was_tried_is_better_than_the_fit(shares):
    scored = favouring(40)
    best = sum(penalty(s, fit(scored, shares)) for s in scored)
    tried = [Fit(w, prior(scored, w, shares), k) for w in WEIGHTS for k in SHARPNESSES]
    assert best == pytest.approx(min(sum(penalty(s, f) for s in scored) for f in tried))


def test_a_given_calibration_is_kept_and_sharpened_only():
    given = Fit(0.5, (1.0, 0.0, -1.0), sharpness=0.25)
    found = sharpen(favouring(40), [given])
    assert (found.weight, found.prior) == (given.weight, given.prior)


def test_a_prior_for_other_labels_is_no_calibration_of_these_scores():
    with pytest.raises(ValueError, match="zip"):
        favouring(1)[0].scores(Fit(0.0, (1.0, 2.0)))
