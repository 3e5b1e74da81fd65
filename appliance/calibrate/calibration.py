"""Calibration: what is fitted to a prompt's scores before prompts are compared. It needs no model
call.

A small model favours some labels whatever the case says. Contextual calibration subtracts a
weighted content-free score from each label's score (Zhao et al., ICML 2021). Batch calibration
subtracts a bias, the label's mean score over many cases (Zhou et al., ICLR 2024). As published it
makes all labels equally likely; here it makes them as likely as they are among the tuning cases. A
prompt with a channel mixes in the channel's score with a weight (Min et al., ACL 2022), and where a
likeness to each label's support is known it is added with a weight. A yes/no prompt gets a
threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import expm1, fsum
from statistics import fmean

import msgspec
import numpy as np

from appliance.calibrate.choices import Choices
from appliance.calibrate.fitted import LIKENESS_WEIGHTS, WEIGHTS, Fit
from appliance.calibrate.objective import Objective
from appliance.calibrate.shrinkage import folds
from appliance.calibrate.threshold import fit_threshold
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import (
    Calibration,
    Outcome,
    Scored,
    Written,
    missed_more,
)
from appliance.scoring.yes_no import YesNoOutcome

CHANNEL_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0)
INVERSE_TEMPERATURES = (1.0, 0.5, 0.25)


def fit(scored: Sequence[Outcome], objective: Objective) -> Fit:
    """Returns the calibration and inverse temperature with the lowest mean penalty; among equals
    the one with the smallest weights."""
    if isinstance(scored[0], Scored):
        channel = CHANNEL_WEIGHTS if scored[0].channel else (0.0,)
        likeness = LIKENESS_WEIGHTS if scored[0].likeness else (0.0,)
        plain = [
            Fit(weight, channel_weight=v, likeness_weight=u)
            for u, v, weight in product(likeness, channel, WEIGHTS)
        ]
        tried = [
            msgspec.structs.replace(each, bias=label_bias(scored, each, objective))
            for each in plain
        ]
        return fit_inverse_temperature(scored, tried, objective)
    if isinstance(scored[0], YesNoOutcome):
        return fit_inverse_temperature(scored, [fit_threshold(scored, objective)], objective)
    return Fit(0.0)


def held_out(scored: Sequence[Scored], objective: Objective) -> list[Scored]:
    """The choices by calibrations that were fitted to other cases (cross-validation), with the
    calibrated scores in place of the model's own.

    A bias has a number for each label. On two dozen cases it makes the cases that it was fitted to
    look far better than others.
    """
    found = list(scored)
    fold = folds(np.array([one.gold for one in scored], np.int64))
    for number in np.unique(fold):
        rest = [one for one, other in zip(scored, fold, strict=True) if other != number]
        if not rest:  # A single case has no others.
            break
        by = fit(rest, objective)
        for at in np.flatnonzero(fold == number).tolist():
            found[at] = _calibrated(scored[at], by)
    return found


def _calibrated(outcome: Scored, by: Fit) -> Scored:
    scores = tuple(round(by.inverse_temperature * score, 4) for score in outcome.scores(by))
    return msgspec.structs.replace(
        outcome, plain=scores, free=(0.0,) * len(scores), channel=(), likeness=()
    )


def fit_inverse_temperature(
    scored: Sequence[Outcome], calibrations: Iterable[Calibration], objective: Objective
) -> Fit:
    """Returns the best of some calibrations, each at its best inverse temperature."""
    fits = (
        Fit(by.weight, by.bias, k, by.channel_weight, by.threshold, by.likeness_weight)
        for by, k in product(calibrations, INVERSE_TEMPERATURES)
    )
    chosen = [one for one in scored if isinstance(one, Scored)]
    if chosen:
        choices = Choices(chosen, objective)
        return min(fits, key=lambda f: choices.penalty(f, f.inverse_temperature))
    return min(fits, key=lambda f: fsum(penalties(scored, f, objective)))


def label_bias(scored: Sequence[Outcome], plain: Fit, objective: Objective) -> tuple[float, ...]:
    """Returns the bias b(y) of each label, or () where the objective has no shares.

    It is the label's mean score under the calibration ``plain`` minus the log of its share, shifted
    so that the mean over the labels is 0. For macro-F1 all shares count as equal. Gold labels are
    read only to weigh the cases.
    """
    if not objective.shares:
        return ()
    chosen = [s for s in scored if isinstance(s, Scored)]
    scores = zip(*(s.scores(plain) for s in chosen), strict=True)
    shares = [0.0] * len(objective.shares) if objective.metric == "macro_f1" else objective.shares
    weights = objective.weights(chosen)
    excess = [fmean(each, weights) - share for each, share in zip(scores, shares, strict=True)]
    centre = fmean(excess)
    return tuple(round(each - centre, 4) for each in excess)


def calibrated(prompt: Prompt, by: Fit) -> Prompt:
    """Returns the prompt with a fitted calibration."""
    return msgspec.structs.replace(
        prompt,
        weight=by.weight,
        bias=by.bias,
        channel_weight=by.channel_weight,
        threshold=by.threshold,
    )


def penalties(scored: Sequence[Outcome], fitted: Fit, objective: Objective) -> list[float]:
    """Returns the penalty of each case in a race: its loss plus one nat for a wrong answer, times
    the weight of the case. The loss alone trades decisions for confidence, and errors alone are too
    coarse to race on.

    The loss L of a written answer counts as 1 - exp(-L), which is how improbable the right answer
    is. A model whose reasoning went wrong is sure of a wrong answer, and in nats one such case
    would outweigh several right ones.
    """
    each = zip(scored, objective.weights(scored), strict=True)
    return [w * (_loss(s, fitted, objective) + s.error(fitted, objective.metric)) for s, w in each]


def errors(scored: Sequence[Outcome], by: Calibration, objective: Objective) -> list[float]:
    """Returns the error of each case times its weight, on one scale for choices and for answers of
    yes or no to each label."""
    each = zip(scored, objective.weights(scored), strict=True)
    if objective.metric == "accuracy":
        return [w * (1 - s.credit(by)) for s, w in each]
    return [w * missed_more(s.tally(by)) for s, w in each]


def _loss(outcome: Outcome, fitted: Fit, objective: Objective) -> float:
    loss = outcome.loss(fitted, objective.metric, fitted.inverse_temperature)
    return -expm1(-loss) if isinstance(outcome, Written) else loss
