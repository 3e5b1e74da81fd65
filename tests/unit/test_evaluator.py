"""Label scores as the design defines them: sums of log-probabilities, to 1e-4 of a nat."""

from __future__ import annotations

import pytest
from in_process import many

from appliance.layout import Layout
from appliance.scoring.calibration import Fit
from appliance.scoring.evaluator import Scored, accuracy, mean_loss, read_scores
from models.engine import Scores, Segment

CASE = many(1)[0]


def layout_of_three_labels() -> Layout:
    """A trunk, then each label after the query and after the query without content."""
    segments = [Segment(-1, (1,)), *(Segment(0, (2, n), 2) for n in range(6))]
    return Layout(segments=segments, plain=[(1, 2, 3)], free=[(4, 5, 6)])


def test_a_score_is_the_sum_over_the_answers_tokens_rounded_to_a_ten_thousandth():
    logprobs = tuple((-1.00004, -0.00003 - n / 10) for n in range(6))
    [scored] = read_scores(layout_of_three_labels(), Scores(logprobs, 0, 0), [CASE])
    assert scored == Scored(
        CASE.id, CASE.gold, (-1.0001, -1.1001, -1.2001), (-1.3001, -1.4001, -1.5001)
    )


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
    assert scored.loss(Fit(0.0)) == 0.6931
    sharp = Scored("c", 0, (2.0, 0.0), (0.0, 0.0))
    assert sharp.loss(Fit(0.0)) == 0.1269 and sharp.loss(Fit(0.0), 0.5) == 0.3133
    assert accuracy([scored, sharp], Fit(0.0)) == 1.0
    assert mean_loss([scored, sharp], Fit(0.0)) == pytest.approx((0.6931 + 0.1269) / 2)
