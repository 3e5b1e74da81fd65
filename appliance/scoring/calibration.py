"""Calibration: what is fitted to a prompt's scores, at no model call, before prompts are compared.

A small model favours some labels whatever the case says. Contextual calibration takes a share of
the content-free branch away from each label's score (Zhao et al., ICML 2021), batch calibration the
label's mean score over many cases (Zhou et al., ICLR 2024). The latter makes all labels as likely;
here it makes them as likely as they are among the tuning cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from math import fsum, log
from statistics import fmean

import msgspec

from appliance.scoring.evaluator import Calibration, Scored
from appliance.task import Case

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


def fit(scored: Sequence[Scored], shares: Sequence[float]) -> Fit:
    """The calibration and sharpness with the lowest mean penalty, the plainest of equals.
    ``shares`` is as from ``log_shares``."""
    return sharpen(scored, [Fit(weight, prior(scored, weight, shares)) for weight in WEIGHTS])


def sharpen(scored: Sequence[Scored], calibrations: Iterable[Calibration]) -> Fit:
    """The best of some calibrations, each at its best sharpness."""
    fits = (Fit(by.weight, by.prior, k) for by, k in product(calibrations, SHARPNESSES))
    return min(fits, key=lambda f: fsum(penalty(s, f) for s in scored))


def prior(scored: Sequence[Scored], weight: float, shares: Sequence[float]) -> tuple[float, ...]:
    """b(y): the mean over the cases of s(y) - w s0(y), less the label's log share, around 0. None
    without shares. The cases' gold labels are not read."""
    if not shares:
        return ()
    scores = zip(*(s.scores(Fit(weight)) for s in scored), strict=True)
    excess = [fmean(each) - share for each, share in zip(scores, shares, strict=True)]
    centre = fmean(excess)
    return tuple(round(each - centre, 4) for each in excess)


def log_shares(cases: Sequence[Case]) -> tuple[float, ...]:
    """Of each label the log of its share of the cases, all of which have the same labels. One case
    more of each is counted, so that none has no share."""
    counts = Counter(case.gold for case in cases)
    labels = len(cases[0].labels)
    return tuple(log((counts[y] + 1) / (len(cases) + labels)) for y in range(labels))


def penalty(scored: Scored, fitted: Fit) -> float:
    """What a race counts: the loss, and one more nat for a wrong answer. The loss alone trades
    decisions for confidence, errors alone are too coarse to race on."""
    return scored.loss(fitted, fitted.sharpness) + (not scored.correct(fitted))
