"""For each label of a state, a linear discriminant of rows that have it from rows that do not.

It is Fisher's linear discriminant of two classes with shrinkage (``calibrate/discriminant.py``),
whose score is the logarithm of the odds that the label holds. A line that is fitted to rows which a
fit has not seen makes them as sure as they may be (Platt, 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.calibrate.reliability import fit_platt
from appliance.calibrate.shrinkage import SHRINKAGES, Labels, Map, Rows, Spectrum, spread_of

Holds = NDArray[np.bool_]


class Odds(NamedTuple):
    """A shrinkage, and the line (score - ``intercept``) * ``slope`` that makes log odds of a map's
    scores; ``held_out`` has those [rows, labels] of every row by maps that have not seen it."""

    shrinkage: float
    slope: float
    intercept: float
    held_out: Rows


def fit_odds(rows: Rows, holds: Holds, fold: Labels) -> Odds:
    """The shrinkage and the line with the least loss on held-out rows. The rows are states [n, d];
    ``holds`` [n, labels] says which labels each has, ``fold`` [n] which rows are held out
    together."""
    scores = np.zeros((len(SHRINKAGES), *holds.shape))
    known = np.zeros(holds.shape, bool)
    for number in np.unique(fold):
        out = fold == number
        if out.all():  # A single row has none to learn from.
            break
        maps = discriminants(rows[~out], holds[~out], SHRINKAGES)
        scores[:, out] = [found.scores(rows[out]) for found in maps]
        known[out] = learnt(holds[~out])
    if not known.any():
        return Odds(SHRINKAGES[0], 1.0, 0.0, scores[0])
    truth = holds[known]
    fits = []
    for shrinkage, own in zip(SHRINKAGES, scores, strict=True):
        spread = spread_of(own[known])
        temperature, centre = fit_platt((own[known] / spread).tolist(), truth.tolist())
        slope, intercept = 1 / (spread * temperature), centre * spread
        # Of a label that was not learnt there are log odds already.
        odds = np.where(known, (own - intercept) * slope, own)
        fits.append((_loss(odds[known], truth), Odds(shrinkage, slope, intercept, odds)))
    return min(fits, key=lambda fit: fit[0])[1]


def odds_map(rows: Rows, holds: Holds, found: Odds) -> Map:
    """The map of all rows, whose scores are log odds."""
    [plain] = discriminants(rows, holds, [found.shrinkage])
    offsets = np.where(
        learnt(holds), (plain.offsets - found.intercept) * found.slope, plain.offsets
    )
    return Map(plain.weights * found.slope, offsets)


def learnt(holds: Holds) -> NDArray[np.bool_]:
    """Which labels some rows have and some do not; of the others a state says nothing."""
    counts = holds.sum(0)
    return np.asarray((counts > 0) & (counts < len(holds)))


def _loss(odds: Rows, holds: Holds) -> float:
    return round(float(np.logaddexp(0, np.where(holds, -odds, odds)).mean()), 6)


def discriminants(rows: Rows, holds: Holds, shrinkages: Sequence[float]) -> list[Map]:
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
    known = learnt(holds)
    difference = np.where(known[:, None], with_label - without, 0.0)
    usual = np.log((counts + 0.5) / (n - counts + 0.5))
    maps = []
    for shrinkage in shrinkages:
        solved = spectrum.solve(difference, shrinkage)
        kept = (1 - shrinkage) * some * none / n**2
        left = 1 - kept * (solved * difference).sum(1)
        weights = solved / np.maximum(left, 1e-6)[:, None]
        middle = (with_label + without) / 2
        offsets = usual - (weights * middle).sum(1) - weights @ centre
        maps.append(Map(weights, np.where(known, offsets, usual)))
    return maps
