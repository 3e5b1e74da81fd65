"""Calibration: what is fitted to a prompt's scores before prompts are compared. It needs no model
call.

A small model favours some labels whatever the case says. Contextual calibration subtracts a
weighted content-free score from each label's score (Zhao et al., ICML 2021). Batch calibration
subtracts a bias, the label's mean score over many cases (Zhou et al., ICLR 2024). As published it
makes all labels equally likely; here it makes them as likely as they are among the tuning cases. A
prompt with a channel mixes in the channel's score with a weight (Min et al., ACL 2022). A yes/no
prompt gets a threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import expm1, fsum
from statistics import fmean

import msgspec
import numpy as np

from appliance.calibrate.objective import Objective
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import (
    Calibration,
    Outcome,
    Scored,
    Written,
)
from appliance.scoring.yes_no import YesNoOutcome
from appliance.statistics.metrics import f1

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
CHANNEL_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0)
INVERSE_TEMPERATURES = (1.0, 0.5, 0.25)
THRESHOLDS = 24
"""The number of thresholds that are tried at most, spread evenly over the margins of positives."""


class Fit(msgspec.Struct, frozen=True):
    """A calibration, and the inverse temperature of the softmax under which prompts are compared.

    Sums of log-probabilities are overconfident, more so for longer labels. If all prompts were
    compared at inverse temperature 1, one that decides well but is overconfident would lose to one
    that hardly decides.
    """

    weight: float
    bias: tuple[float, ...] = ()
    inverse_temperature: float = 1.0
    channel_weight: float = 0.0
    threshold: float = 0.0


def fit(scored: Sequence[Outcome], objective: Objective) -> Fit:
    """Returns the calibration and inverse temperature with the lowest mean penalty; among equals
    the one with the smallest weights."""
    if isinstance(scored[0], Scored):
        channel = CHANNEL_WEIGHTS if scored[0].channel else (0.0,)
        plain = [Fit(weight, channel_weight=v) for v, weight in product(channel, WEIGHTS)]
        tried = [
            msgspec.structs.replace(each, bias=label_bias(scored, each, objective))
            for each in plain
        ]
        return fit_inverse_temperature(scored, tried, objective)
    if isinstance(scored[0], YesNoOutcome):
        return fit_inverse_temperature(scored, [_threshold(scored, objective)], objective)
    return Fit(0.0)


def fit_inverse_temperature(
    scored: Sequence[Outcome], calibrations: Iterable[Calibration], objective: Objective
) -> Fit:
    """Returns the best of some calibrations, each at its best inverse temperature."""
    fits = (
        Fit(by.weight, by.bias, k, by.channel_weight, by.threshold)
        for by, k in product(calibrations, INVERSE_TEMPERATURES)
    )
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


def rethreshold(scored: Sequence[Outcome], by: Calibration, objective: Objective) -> Fit:
    """Returns the calibration with the threshold, between the observed margins, at which answers
    have the least error, or the best micro-F1 where that is the metric."""
    asked = [s for s in scored if isinstance(s, YesNoOutcome)]
    plain = Fit(by.weight, by.bias)
    tried = (msgspec.structs.replace(plain, threshold=cut) for cut in _cuts(asked, plain))
    return min(tried, key=lambda f: _criterion(asked, f, objective))


def _cuts(asked: Sequence[YesNoOutcome], plain: Fit) -> list[float]:
    """Returns the thresholds to try: 0, one above all margins, and those between the margin of a
    positive answer and the next lower margin. A threshold elsewhere finds no more than the next of
    these above it, and makes at least as many errors."""
    answers = [answer for s in asked for answer in s.open(plain)]
    if not answers:
        return [0.0]
    margins, positive = np.array([margin for margin, _ in answers]), [gold for _, gold in answers]
    seen = np.unique(margins)
    last = np.searchsorted(seen, np.unique(margins[positive]))
    between = (seen[last] + seen[np.maximum(last - 1, 0)]) / 2
    places = np.linspace(0, len(between) - 1, min(THRESHOLDS, len(between))).round().astype(int)
    return [0.0, round(float(seen[-1]) + 1.0, 4), *between[places].round(4).tolist()]


def _threshold(scored: Sequence[Outcome], objective: Objective) -> Fit:
    """Returns the best weight with its threshold. Where there are shares each label gets a bias
    first: the margin above which the share of cases equals the label's share."""
    asked = [s for s in scored if isinstance(s, YesNoOutcome)]
    biases = {weight: _quantiles(asked, Fit(weight), objective) for weight in WEIGHTS}
    tried = [rethreshold(asked, Fit(weight, b), objective) for weight, b in biases.items()]
    return min(tried, key=lambda f: _criterion(asked, f, objective))


def _criterion(asked: Sequence[YesNoOutcome], by: Fit, objective: Objective) -> tuple[float, float]:
    """Returns what a threshold minimises: the error, or the negative micro-F1, then the error."""
    weights = objective.weights(asked)
    error = fsum(w * s.error(by, objective.metric) for w, s in zip(weights, asked, strict=True))
    if objective.metric != "micro_f1":
        return error, 0.0
    return -float(f1(np.array(weights) @ np.array([s.tally(by) for s in asked]))), error


def _quantiles(
    asked: Sequence[YesNoOutcome], plain: Fit, objective: Objective
) -> tuple[float, ...]:
    """Returns for each label the margin above which the share of cases equals the label's share. It
    is taken over the cases that allow the label, or over all cases where none allows it."""
    if not objective.shares:
        return ()
    margins = np.array([s.margins(plain) for s in asked])
    allowed = np.array([s.allowed for s in asked])
    weights = np.array(objective.weights(asked))
    found = []
    for column, may, share in zip(margins.T, allowed.T, np.exp(objective.shares), strict=True):
        counted = weights * (may if may.any() else True)
        order = np.argsort(column)
        below = np.cumsum(counted[order]) - counted[order] / 2
        wanted = max(counted.sum() - share * weights.sum(), 0.0)
        kept = counted[order] > 0
        found.append(round(float(np.interp(wanted, below[kept], column[order][kept])), 4))
    return tuple(found)


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


def _loss(outcome: Outcome, fitted: Fit, objective: Objective) -> float:
    loss = outcome.loss(fitted, objective.metric, fitted.inverse_temperature)
    return -expm1(-loss) if isinstance(outcome, Written) else loss
