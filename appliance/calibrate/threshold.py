"""The threshold of a yes/no prompt: the margin above which a yes is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import fsum

import msgspec
import numpy as np

from appliance.calibrate.fitted import LIKENESS_WEIGHTS, WEIGHTS, Fit
from appliance.calibrate.objective import Objective
from appliance.scoring.outcomes import Calibration, Outcome
from appliance.scoring.yes_no import YesNoOutcome
from appliance.statistics.metrics import f1

THRESHOLDS = 24
"""The number of thresholds that are tried at most, spread evenly over the margins of positives."""


def fit_threshold(scored: Sequence[Outcome], objective: Objective) -> Fit:
    """Returns the best weight with its threshold. Where there are shares each label gets a bias
    first: the margin above which the share of cases equals the label's share."""
    asked = [s for s in scored if isinstance(s, YesNoOutcome)]
    biases = {weight: _quantiles(asked, Fit(weight), objective) for weight in WEIGHTS}
    likeness = LIKENESS_WEIGHTS if asked[0].likeness else (0.0,)
    tried = [
        rethreshold(asked, Fit(weight, b, likeness_weight=u), objective)
        for u, (weight, b) in product(likeness, biases.items())
    ]
    return min(tried, key=lambda f: _criterion(asked, f, objective))


def rethreshold(scored: Sequence[Outcome], by: Calibration, objective: Objective) -> Fit:
    """Returns the calibration with the threshold, between the observed margins, at which answers
    have the least error, or the best micro-F1 where that is the metric."""
    asked = [s for s in scored if isinstance(s, YesNoOutcome)]
    plain = Fit(by.weight, by.bias, likeness_weight=by.likeness_weight)
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
    if not objective.asked_shares:
        return ()
    margins = np.array([s.margins(plain) for s in asked])
    allowed = np.array([s.allowed for s in asked])
    weights = np.array(objective.weights(asked))
    found = []
    for column, may, share in zip(
        margins.T, allowed.T, np.exp(objective.asked_shares), strict=True
    ):
        counted = weights * (may if may.any() else True)
        order = np.argsort(column)
        below = np.cumsum(counted[order]) - counted[order] / 2
        wanted = max(counted.sum() - share * weights.sum(), 0.0)
        kept = counted[order] > 0
        found.append(round(float(np.interp(wanted, below[kept], column[order][kept])), 4))
    return tuple(found)
