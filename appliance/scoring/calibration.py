"""Calibration: what is fitted to a prompt's scores, at no model call, before prompts are compared.

Contextual calibration takes a share of the content-free branch away from each label's score (Zhao
et al., ICML 2021), batch calibration the label's mean score over many cases (Zhou et al., ICLR
2024): a small model favours some labels whatever the case says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import fsum
from statistics import fmean

import msgspec

from appliance.scoring.evaluator import Calibration, Scored

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SHARPNESSES = (1.0, 0.5, 0.25)


class Fit(msgspec.Struct, frozen=True):
    """A calibration, and how sharp the softmax is under which prompts are compared.

    Sums of log-probabilities are overconfident, the more so the longer the labels: compared at
    sharpness 1 a prompt that decides well but boldly loses to one that hardly decides.
    """

    weight: float
    prior: tuple[float, ...] = ()
    sharpness: float = 1.0


def fit(scored: Sequence[Scored], *, batch: bool) -> Fit:
    """The calibration and sharpness with the lowest mean penalty, the plainest of equals. Only
    where all cases choose among the same labels can it be by ``batch``."""
    fits = [Fit(weight) for weight in WEIGHTS]
    if batch:
        fits += [Fit(weight, prior(scored, weight)) for weight in WEIGHTS]
    return sharpen(scored, fits)


def sharpen(scored: Sequence[Scored], calibrations: Iterable[Calibration]) -> Fit:
    """The best of some calibrations, each at its best sharpness."""
    fits = (Fit(by.weight, by.prior, k) for by, k in product(calibrations, SHARPNESSES))
    return min(fits, key=lambda f: fsum(penalty(s, f) for s in scored))


def prior(scored: Sequence[Scored], weight: float) -> tuple[float, ...]:
    """b(y): the mean over the cases of s(y) - w s0(y), less its mean over the labels. No gold label
    is read."""
    means = [fmean(scores) for scores in zip(*(s.scores(Fit(weight)) for s in scored), strict=True)]
    centre = fmean(means)
    return tuple(round(mean - centre, 4) for mean in means)


def penalty(scored: Scored, fitted: Fit) -> float:
    """What a race counts: the loss, and one more nat for a wrong answer. The loss alone trades
    decisions for confidence, errors alone are too coarse to race on."""
    return scored.loss(fitted, fitted.sharpness) + (not scored.correct(fitted))
