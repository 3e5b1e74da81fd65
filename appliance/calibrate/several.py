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
    """A shrinkage, and the line (score - ``intercept``) * ``slope`` that makes log odds of a map's
    scores; ``held_out`` has those [rows, labels] of every row by maps that have not seen it."""

    shrinkage: float
    slope: float
    intercept: float
    held_out: Rows


def cross_validated(states: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcome of each state by a map and a threshold that have not seen it."""
    rows, holds, fold = table(states), _holds(states), _folds(states)
    odds = _fit(rows, holds, fold).held_out
    found = _outcomes(states, odds)
    above = np.zeros(odds.shape)
    for number in np.unique(fold):
        others = [one for one, other in zip(found, fold, strict=True) if other != number]
        above[fold == number] = _thresholds(others, holds, objective)
    return _outcomes(states, odds - above)


def fitted(states: Sequence[State], objective: Objective) -> Map:
    """The map of all states, with the threshold in its offsets."""
    rows, holds = table(states), _holds(states)
    found = _fit(rows, holds, _folds(states))
    above = _thresholds(_outcomes(states, found.held_out), holds, objective)
    [plain] = _discriminants(rows, holds, [found.shrinkage])
    offsets = np.where(
        _learnt(holds), (plain.offsets - found.intercept) * found.slope, plain.offsets
    )
    return Map(plain.weights * found.slope, offsets - above)


def _outcomes(states: Sequence[State], odds: Rows) -> list[Outcome]:
    return [state.outcome(own) for state, own in zip(states, odds, strict=True)]


def _thresholds(outcomes: Sequence[Outcome], holds: Holds, objective: Objective) -> Rows:
    """What each label's log odds have to be above. A threshold below 0, which finds more of labels
    that have rows, says nothing of one that no row has."""
    found = rethreshold(outcomes, Fit(0.0), objective).threshold if outcomes else 0.0
    return np.where(_learnt(holds), found, max(found, 0.0))


def _fit(rows: Rows, holds: Holds, fold: Labels) -> Fitted:
    """The shrinkage and the line with the least held-out loss."""
    scores = np.zeros((len(SHRINKAGES), *holds.shape))
    for number in np.unique(fold):
        out = fold == number
        if out.all():  # A single row has none to learn from.
            break
        maps = _discriminants(rows[~out], holds[~out], SHRINKAGES)
        scores[:, out] = [found.scores(rows[out]) for found in maps]
    learnt = _learnt(holds)
    if not learnt.any():
        return Fitted(SHRINKAGES[0], 1.0, 0.0, scores[0])
    known = holds[:, learnt]
    fits = []
    for shrinkage, own in zip(SHRINKAGES, scores, strict=True):
        spread = float(own[:, learnt].std()) or 1.0
        each = (own[:, learnt] / spread).ravel().tolist()
        temperature, centre = fit_platt(each, known.ravel().tolist())
        slope, intercept = 1 / (spread * temperature), centre * spread
        odds = np.where(learnt, (own - intercept) * slope, own)
        fits.append((_loss(odds[:, learnt], known), Fitted(shrinkage, slope, intercept, odds)))
    return min(fits, key=lambda fit: fit[0])[1]


def _learnt(holds: Holds) -> NDArray[np.bool_]:
    """Which labels some rows have and some do not; of the others a state says nothing."""
    counts = holds.sum(0)
    return np.asarray((counts > 0) & (counts < len(holds)))


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
    learnt = _learnt(holds)
    difference = np.where(learnt[:, None], with_label - without, 0.0)
    usual = np.log((counts + 0.5) / (n - counts + 0.5))
    maps = []
    for shrinkage in shrinkages:
        solved = spectrum.solve(difference, shrinkage)
        kept = (1 - shrinkage) * some * none / n**2
        left = 1 - kept * (solved * difference).sum(1)
        weights = solved / np.maximum(left, 1e-6)[:, None]
        middle = (with_label + without) / 2
        offsets = usual - (weights * middle).sum(1) - weights @ centre
        maps.append(Map(weights, np.where(learnt, offsets, usual)))
    return maps


def _holds(states: Sequence[State]) -> Holds:
    return np.array([state.holds for state in states], bool)


def _folds(states: Sequence[State]) -> Labels:
    """Those of the rows, dealt out by their sets of labels."""
    sets = np.unique(_holds(states), axis=0, return_inverse=True)[1].ravel()
    return folds(sets, [state.group for state in states])
