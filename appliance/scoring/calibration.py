"""Calibration: what is fitted to a prompt's scores, at no model call, before prompts are compared.

A small model favours some labels whatever the case says. Contextual calibration takes a share of
the content-free branch away from each label's score (Zhao et al., ICML 2021), batch calibration the
label's mean score over many cases (Zhou et al., ICLR 2024). The latter makes all labels as likely;
here it makes them as likely as they are among the tuning cases. A prompt that has a channel gives
it a share of the score (Min et al., ACL 2022). Yes/no prompts get a threshold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from math import exp, fsum, log
from statistics import fmean

import msgspec
import numpy as np

from appliance.prompt import Prompt
from appliance.scoring.metrics import f1
from appliance.scoring.outcomes import Calibration, Judged, Outcome, Scored
from appliance.task import Case, Metric

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
SHARPNESSES = (1.0, 0.5, 0.25)
THRESHOLDS = 24
"""Thresholds that are tried, spread evenly over where a yes that is due is the last to be said."""


class Fit(msgspec.Struct, frozen=True):
    """A calibration, and how sharp the softmax is under which prompts are compared.

    Sums of log-probabilities are overconfident, the more so the longer the labels: compared at
    sharpness 1 a prompt that decides well but boldly loses to one that hardly decides.
    """

    weight: float
    prior: tuple[float, ...] = ()
    sharpness: float = 1.0
    share: float = 0.0
    threshold: float = 0.0


def fit(scored: Sequence[Outcome], shares: Sequence[float], metric: Metric = "accuracy") -> Fit:
    """The calibration and sharpness with the lowest mean penalty, the plainest of equals.
    ``shares`` is as from ``log_shares``; for macro-F1 all labels are to be as likely."""
    if isinstance(scored[0], Scored):
        channel = SHARES if scored[0].channel else (0.0,)
        plain = [Fit(weight, share=share) for share, weight in product(channel, WEIGHTS)]
        counts = balance(shares, metric)
        tried = [
            msgspec.structs.replace(each, prior=prior(scored, each, shares, counts))
            for each in plain
        ]
        return sharpen(scored, tried, counts)
    if isinstance(scored[0], Judged):
        return sharpen(scored, [_threshold(scored, shares, metric)])
    return Fit(0.0)


def sharpen(
    scored: Sequence[Outcome], calibrations: Iterable[Calibration], counts: Sequence[float] = ()
) -> Fit:
    """The best of some calibrations, each at its best sharpness."""
    fits = (
        Fit(by.weight, by.prior, k, by.share, by.threshold)
        for by, k in product(calibrations, SHARPNESSES)
    )
    return min(fits, key=lambda f: fsum(penalty(s, f, counts) for s in scored))


def prior(
    scored: Sequence[Outcome], plain: Fit, shares: Sequence[float], counts: Sequence[float] = ()
) -> tuple[float, ...]:
    """b(y): the mean over the cases of the score without it, less the label's log share, around 0.
    None without shares. The cases' gold labels are not read, unless each ``counts`` as from
    ``balance``: then the mean is over labels that all come as often."""
    if not shares:
        return ()
    chosen = [s for s in scored if isinstance(s, Scored)]
    scores = zip(*(s.scores(plain) for s in chosen), strict=True)
    if counts:
        shares, weights = [0.0] * len(shares), [counts[s.gold] for s in chosen]
    else:
        weights = None
    excess = [fmean(each, weights) - share for each, share in zip(scores, shares, strict=True)]
    centre = fmean(excess)
    return tuple(round(each - centre, 4) for each in excess)


def rethreshold(scored: Sequence[Outcome], by: Calibration, metric: Metric) -> Fit:
    """The calibration with the threshold, between the margins that are seen, at which the answers
    cost least, or have the best micro-F1."""
    judged = [s for s in scored if isinstance(s, Judged)]
    plain = Fit(by.weight, by.prior)
    tried = (msgspec.structs.replace(plain, threshold=cut) for cut in _cuts(judged, plain))
    return min(tried, key=lambda f: _short(judged, f, metric))


def _cuts(judged: Sequence[Judged], plain: Fit) -> list[float]:
    """0, one at which all is a no, and such as the best can be among: any other finds no more than
    the next one above, and errs as often at least."""
    margins = np.array([margin for s in judged for margin in s.margins(plain)])
    due = np.array([gold for s in judged for gold in s.gold], dtype=bool)
    seen = np.unique(margins)
    last = np.searchsorted(seen, np.unique(margins[due]))
    between = (seen[last] + seen[np.maximum(last - 1, 0)]) / 2
    places = np.linspace(0, len(between) - 1, min(THRESHOLDS, len(between))).round().astype(int)
    return [0.0, round(float(seen[-1]) + 1.0, 4), *between[places].round(4).tolist()]


def _threshold(scored: Sequence[Outcome], shares: Sequence[float], metric: Metric) -> Fit:
    """The best weight with its threshold. With shares each label has a prior first: that margin
    above which as many are as have it."""
    judged = [s for s in scored if isinstance(s, Judged)]
    priors = {weight: _quantiles(judged, Fit(weight), shares) for weight in WEIGHTS}
    tried = [rethreshold(judged, Fit(weight, b), metric) for weight, b in priors.items()]
    return min(tried, key=lambda f: _short(judged, f, metric))


def _short(judged: Sequence[Judged], by: Fit, metric: Metric) -> tuple[float, float]:
    """How far from right the answers are."""
    cost = fsum(s.cost(by) for s in judged)
    if metric != "micro_f1":
        return cost, 0.0
    return -float(f1(np.sum([s.tally(by) for s in judged], axis=0))), cost


def _quantiles(judged: Sequence[Judged], plain: Fit, shares: Sequence[float]) -> tuple[float, ...]:
    if not shares:
        return ()
    margins = np.array([s.margins(plain) for s in judged])
    wanted = 1 - np.exp(shares)
    each = (np.quantile(column, q) for column, q in zip(margins.T, wanted, strict=True))
    return tuple(round(float(value), 4) for value in each)


def log_shares(cases: Sequence[Case], unasked: str | None = None) -> tuple[float, ...]:
    """Of each option but the ``unasked`` one the log of its share of the cases, all of which have
    the same ones. One case more of each is counted, so that none has no share. None where options
    differ."""
    options = cases[0].options
    if not options or any(case.options != options for case in cases):
        return ()
    if any(case.query.labels for case in cases):
        counts = Counter(label for case in cases for label in case.query.labels)
        return tuple(log((counts[y] + 1) / (len(cases) + 2)) for y in options if y != unasked)
    golds = Counter(options[case.gold] for case in cases)
    total = len(cases) + len(options)
    return tuple(log((golds[y] + 1) / total) for y in options if y != unasked)


def calibrated(prompt: Prompt, by: Fit) -> Prompt:
    """The prompt with a fitted calibration."""
    return msgspec.structs.replace(
        prompt, weight=by.weight, prior=by.prior, share=by.share, threshold=by.threshold
    )


def balance(shares: Sequence[float], metric: Metric) -> tuple[float, ...]:
    """How much a case of each label counts where macro-F1 is sought: as if all labels came as
    often. Empty where all cases count alike."""
    if metric != "macro_f1":
        return ()
    return tuple(exp(-share) / len(shares) for share in shares)


def penalty(scored: Outcome, fitted: Fit, counts: Sequence[float] = ()) -> float:
    """What a race counts: the loss, and one more nat for a wrong answer. The loss alone trades
    decisions for confidence, errors alone are too coarse to race on. ``counts`` is as from
    ``balance``."""
    found = scored.loss(fitted, fitted.sharpness) + scored.cost(fitted)
    return found * counts[scored.gold] if counts and isinstance(scored, Scored) else found
