"""Reads several labels off a hidden state: for each label a discriminant of rows that have it from
rows that do not.

It is Fisher's linear discriminant of two classes with shrinkage (``calibrate/readout.py``), whose
score is the logarithm of the odds that the label holds. One temperature and one threshold serve all
labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.calibrate.reliability import fit_platt
from appliance.calibrate.shrinkage import SHRINKAGES, Labels, Map, Rows, Spectrum, folds, table
from appliance.calibrate.threshold import rethreshold
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Outcome

Holds = NDArray[np.bool_]


class Fitted(NamedTuple):
    """A shrinkage, the line (odds - ``intercept``) * ``slope`` that makes log odds of its scores,
    and the log odds [rows, labels] of every row by maps that have not seen it."""

    shrinkage: float
    slope: float
    intercept: float
    held_out: Rows


def cross_validated(states: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcome of each state by a map and a threshold that have not seen it."""
    rows, holds = table(states), _holds(states)
    fold = folds(_sets(holds))
    odds = _fit(rows, holds, fold).held_out
    found = _outcomes(states, odds)
    cut = np.zeros(len(states))
    for number in np.unique(fold):
        others = [one for one, other in zip(found, fold, strict=True) if other != number]
        cut[fold == number] = _threshold(others, objective)
    return _outcomes(states, odds - cut[:, None])


def fitted(states: Sequence[State], objective: Objective) -> Map:
    """The map of all states, with the threshold in its offsets."""
    rows, holds = table(states), _holds(states)
    found = _fit(rows, holds, folds(_sets(holds)))
    threshold = _threshold(_outcomes(states, found.held_out), objective)
    [plain] = _discriminants(rows, holds, [found.shrinkage])
    offsets = (plain.offsets - found.intercept) * found.slope - threshold
    return Map(plain.weights * found.slope, offsets)


def _outcomes(states: Sequence[State], odds: Rows) -> list[Outcome]:
    return [state.outcome(own) for state, own in zip(states, odds, strict=True)]


def _threshold(outcomes: Sequence[Outcome], objective: Objective) -> float:
    return rethreshold(outcomes, Fit(0.0), objective).threshold if outcomes else 0.0


def _fit(rows: Rows, holds: Holds, fold: Labels) -> Fitted:
    """The shrinkage and the line with the least held-out loss."""
    scores = np.zeros((len(SHRINKAGES), *holds.shape))
    for number in np.unique(fold):
        out = fold == number
        if out.all():  # A single row has none to learn from.
            break
        maps = _discriminants(rows[~out], holds[~out], SHRINKAGES)
        scores[:, out] = [found.scores(rows[out]) for found in maps]
    fits = []
    for shrinkage, own in zip(SHRINKAGES, scores, strict=True):
        spread = float(own.std()) or 1.0
        each = (own / spread).ravel().tolist()
        temperature, centre = fit_platt(each, holds.ravel().tolist())
        slope, intercept = 1 / (spread * temperature), centre * spread
        fits.append(Fitted(shrinkage, slope, intercept, (own - intercept) * slope))
    return min(fits, key=lambda found: _loss(found.held_out, holds))


def _loss(odds: Rows, holds: Holds) -> float:
    return round(float(np.logaddexp(0, np.where(holds, -odds, odds)).mean()), 6)


def _discriminants(rows: Rows, holds: Holds, shrinkages: Sequence[float]) -> list[Map]:
    """One map for each shrinkage.

    The scatter within the two classes of a label is that of all rows less c d d^T, with d the
    difference of the classes' means and c = n1 n0 / n^2. So one decomposition serves all labels:
    S^-1 d = A^-1 d / (1 - c d^T A^-1 d) for S = A - c d d^T (Sherman and Morrison, 1950).
    """
    n, counts = len(rows), holds.sum(0)
    centre = rows.mean(0)
    spectrum = Spectrum(rows - centre)
    some, none = np.maximum(counts, 1), np.maximum(n - counts, 1)
    with_label = holds.T @ (rows - centre) / some[:, None]
    without = (~holds).T @ (rows - centre) / none[:, None]
    learnt = (counts > 0) & (counts < n)
    difference = np.where(learnt[:, None], with_label - without, 0.0)
    share = np.log((counts + 0.5) / (n - counts + 0.5))
    maps = []
    for shrinkage in shrinkages:
        solved = spectrum.solve(difference, shrinkage)
        kept = (1 - shrinkage) * some * none / n**2
        left = 1 - kept * (solved * difference).sum(1)
        weights = solved / np.maximum(left, 1e-6)[:, None]
        middle = (with_label + without) / 2
        offsets = share - (weights * middle).sum(1) - weights @ centre
        maps.append(Map(weights, np.where(learnt, offsets, share)))
    return maps


def _holds(states: Sequence[State]) -> Holds:
    return np.array([state.holds for state in states], bool)


def _sets(holds: Holds) -> Labels:
    """The number of each row's set of labels."""
    return np.unique(holds, axis=0, return_inverse=True)[1].ravel()
