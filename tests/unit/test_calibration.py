"""Calibration: what is fitted to scores before prompts are compared."""

from __future__ import annotations

from random import Random

import pytest

from appliance.scoring.calibration import SHARPNESSES, WEIGHTS, Fit, fit, penalty, prior, sharpen
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


def test_a_prior_is_the_mean_score_of_each_label_around_zero():
    scored = [Scored("a", 0, (1.0, -2.0), (0.5, 1.0)), Scored("b", 0, (3.0, -4.0), (0.5, 1.0))]
    assert prior(scored, 0.0) == (2.5, -2.5)
    assert prior(scored, 1.0) == (2.75, -2.75)


def test_a_prior_reads_no_gold_label():
    scored = favouring(30)
    turned = [Scored(s.case, (s.gold + 1) % 3, s.plain, s.free) for s in scored]
    assert prior(scored, 0.5) == prior(turned, 0.5)


def test_batch_calibration_undoes_a_favour_that_the_content_free_branch_does_not_know():
    tuning, unseen = favouring(24), favouring(300, seed=1)
    plain, batch = fit(tuning, batch=False), fit(tuning, batch=True)
    assert plain.prior == () and accuracy(unseen, plain) < 0.5
    assert batch.prior and accuracy(unseen, batch) > 0.95
    assert unseen[0].scores(batch) != unseen[0].scores(plain)


def test_where_a_prior_gains_nothing_there_is_none():
    even = [Scored(str(n), n % 2, ((2.0, 0.0), (0.0, 2.0))[n % 2], (0.0, 0.0)) for n in range(20)]
    assert fit(even, batch=True) == fit(even, batch=False) == Fit(0.0)


@pytest.mark.parametrize("batch", [False, True])
def test_no_calibration_that_was_tried_is_better_than_the_fit(batch):
    scored = favouring(40)
    best = sum(penalty(s, fit(scored, batch=batch)) for s in scored)
    priors = [(), prior(scored, 0.0)] if batch else [()]
    tried = [Fit(w, b, k) for w in WEIGHTS for b in priors for k in SHARPNESSES]
    assert best == pytest.approx(min(sum(penalty(s, f) for s in scored) for f in tried))


def test_a_given_calibration_is_kept_and_sharpened_only():
    given = Fit(0.5, (1.0, 0.0, -1.0), sharpness=0.25)
    found = sharpen(favouring(40), [given])
    assert (found.weight, found.prior) == (given.weight, given.prior)


def test_a_prior_for_other_labels_is_no_calibration_of_these_scores():
    with pytest.raises(ValueError, match="zip"):
        favouring(1)[0].scores(Fit(0.0, (1.0, 2.0)))
