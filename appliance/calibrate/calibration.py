"""Calibration: what is fitted to a prompt's scores, at no model call, before prompts are compared.

A small model favours some labels whatever the case says. Contextual calibration takes a share of
the content-free branch away from each label's score (Zhao et al., ICML 2021), batch calibration the
label's mean score over many cases (Zhou et al., ICLR 2024). The latter makes all labels as likely;
here it makes them as likely as they are among the tuning cases. A prompt that has a channel gives
it a share of the score (Min et al., ACL 2022). Yes/no prompts get a threshold.
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
"""Thresholds that are tried, spread evenly over where a yes that is due is the last to be said."""


class Fit(msgspec.Struct, frozen=True):
    """A calibration, and how sharp the softmax is under which prompts are compared.

    Sums of log-probabilities are overconfident, the more so the longer the labels: compared at
    inverse temperature 1 a prompt that decides well but boldly loses to one that hardly decides.
    """

    weight: float
    bias: tuple[float, ...] = ()
    inverse_temperature: float = 1.0
    channel_weight: float = 0.0
    threshold: float = 0.0


def fit(scored: Sequence[Outcome], objective: Objective) -> Fit:
    """The calibration and its scale with the lowest mean penalty, the plainest of equals."""
    if isinstance(scored[0], Scored):
        channel = CHANNEL_WEIGHTS if scored[0].channel else (0.0,)
        plain = [Fit(weight, channel_weight=v) for v, weight in product(channel, WEIGHTS)]
        tried = [
            msgspec.structs.replace(each, bias=label_bias(scored, each, objective))
            for each in plain
        ]
        return sharpen(scored, tried, objective)
    if isinstance(scored[0], YesNoOutcome):
        return sharpen(scored, [_threshold(scored, objective)], objective)
    return Fit(0.0)


def sharpen(
    scored: Sequence[Outcome], calibrations: Iterable[Calibration], objective: Objective
) -> Fit:
    """The best of some calibrations, each at its best inverse temperature."""
    fits = (
        Fit(by.weight, by.bias, k, by.channel_weight, by.threshold)
        for by, k in product(calibrations, INVERSE_TEMPERATURES)
    )
    return min(fits, key=lambda f: fsum(penalties(scored, f, objective)))


def label_bias(scored: Sequence[Outcome], plain: Fit, objective: Objective) -> tuple[float, ...]:
    """b(y): the mean over the cases of the score without it, less the label's log share, around 0;
    for macro-F1 all labels have the same. None without shares. Gold labels are read for the cases'
    weights alone."""
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
    """The calibration with the threshold, between the margins that are seen, at which the answers
    cost least, or have the best micro-F1."""
    judged = [s for s in scored if isinstance(s, YesNoOutcome)]
    plain = Fit(by.weight, by.bias)
    tried = (msgspec.structs.replace(plain, threshold=cut) for cut in _cuts(judged, plain))
    return min(tried, key=lambda f: _short(judged, f, objective))


def _cuts(judged: Sequence[YesNoOutcome], plain: Fit) -> list[float]:
    """0, one at which all is a no, and such as the best can be among: any other finds no more than
    the next one above, and errs as often at least."""
    answers = [answer for s in judged for answer in s.open(plain)]
    if not answers:
        return [0.0]
    margins, positive = np.array([margin for margin, _ in answers]), [gold for _, gold in answers]
    seen = np.unique(margins)
    last = np.searchsorted(seen, np.unique(margins[positive]))
    between = (seen[last] + seen[np.maximum(last - 1, 0)]) / 2
    places = np.linspace(0, len(between) - 1, min(THRESHOLDS, len(between))).round().astype(int)
    return [0.0, round(float(seen[-1]) + 1.0, 4), *between[places].round(4).tolist()]


def _threshold(scored: Sequence[Outcome], objective: Objective) -> Fit:
    """The best weight with its threshold. With shares each label has a bias first: that margin
    above which as many are as have it."""
    judged = [s for s in scored if isinstance(s, YesNoOutcome)]
    biases = {weight: _quantiles(judged, Fit(weight), objective) for weight in WEIGHTS}
    tried = [rethreshold(judged, Fit(weight, b), objective) for weight, b in biases.items()]
    return min(tried, key=lambda f: _short(judged, f, objective))


def _short(judged: Sequence[YesNoOutcome], by: Fit, objective: Objective) -> tuple[float, float]:
    """How far from right the answers are."""
    weights = objective.weights(judged)
    cost = fsum(w * s.error(by, objective.metric) for w, s in zip(weights, judged, strict=True))
    if objective.metric != "micro_f1":
        return cost, 0.0
    return -float(f1(np.array(weights) @ np.array([s.tally(by) for s in judged]))), cost


def _quantiles(
    judged: Sequence[YesNoOutcome], plain: Fit, objective: Objective
) -> tuple[float, ...]:
    """Of each label among the cases that allow it; among all where none does."""
    if not objective.shares:
        return ()
    margins = np.array([s.margins(plain) for s in judged])
    allowed = np.array([s.allowed for s in judged])
    weights = np.array(objective.weights(judged))
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
    """The prompt with a fitted calibration."""
    return msgspec.structs.replace(
        prompt,
        weight=by.weight,
        bias=by.bias,
        channel_weight=by.channel_weight,
        threshold=by.threshold,
    )


def penalties(scored: Sequence[Outcome], fitted: Fit, objective: Objective) -> list[float]:
    """What a race counts of each case: the loss, and one more nat for a wrong answer, by the case's
    weight. The loss alone trades decisions for confidence, errors alone are too coarse to race on.

    Of what is written the loss L counts as 1 - exp(-L), how improbable the right answer is: a model
    whose reasoning went wrong is sure of a wrong answer, and in nats one such case would outweigh
    several right ones.
    """
    each = zip(scored, objective.weights(scored), strict=True)
    return [w * (_lost(s, fitted, objective) + s.error(fitted, objective.metric)) for s, w in each]


def _lost(outcome: Outcome, fitted: Fit, objective: Objective) -> float:
    loss = outcome.loss(fitted, objective.metric, fitted.inverse_temperature)
    return -expm1(-loss) if isinstance(outcome, Written) else loss
