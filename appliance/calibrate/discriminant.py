"""A linear discriminant with shrinkage, which tells labels apart by states.

The score of label c for a state x is its log density under a normal distribution with the label's
mean and a covariance that all labels share, plus the log of its share (Fisher, 1936). The
covariance is that within the labels, shrunk towards a multiple of the identity: with fewer rows
than dimensions it could not be inverted otherwise (Friedman, JASA 84, 1989; "regularized
discriminant analysis" with one covariance). The shrinkage is chosen, and a temperature fitted (Guo
et al., ICML 2017), by the loss on rows that a fit has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from appliance.calibrate.reliability import fit_temperature
from appliance.calibrate.shrinkage import (
    SHRINKAGES,
    Labels,
    Map,
    Rows,
    Spectrum,
    spread_of,
)

Shares = Callable[[Labels], Rows]
"""The logarithms of the labels' shares [labels], by the labels of the rows that are fitted to."""


class Discriminant(NamedTuple):
    """A shrinkage, the temperature of its scores, and for every row its scores [rows, labels] by a
    map that has not seen it, divided by the temperature."""

    shrinkage: float
    temperature: float
    held_out: Rows


def fit_discriminant(rows: Rows, gold: Labels, fold: Labels, shares: Shares) -> Discriminant:
    """The shrinkage whose held-out scores have the least loss at their best temperature. The rows
    are states [n, d] with the numbers of their labels (``gold``) [n] and of the ``fold`` in which
    they are held out [n]. Those of label -1 get scores, and nothing is learnt from them."""
    known = gold >= 0
    held_out = np.zeros((len(SHRINKAGES), len(rows), len(shares(gold[known]))))
    for number in np.unique(fold):
        out = fold == number
        learnt = known & ~out
        if learnt.any():
            maps = _maps(rows[learnt], gold[learnt], shares(gold[learnt]), SHRINKAGES)
            held_out[:, out] = [found.scores(rows[out]) for found in maps]
    if not known.any():
        return Discriminant(SHRINKAGES[0], 1.0, held_out[0])
    fits = []
    for shrinkage, scores in zip(SHRINKAGES, held_out, strict=True):
        # A density in hundreds of dimensions is far too sure: a temperature may be in the hundreds.
        own, right = scores[known], gold[known]
        spread = spread_of(own)
        temperature = spread * fit_temperature((own / spread).tolist(), right.tolist())
        found = Discriminant(shrinkage, temperature, scores / temperature)
        fits.append((_loss(own / temperature, right), found))
    return min(fits, key=lambda fit: fit[0])[1]


def discriminant_map(rows: Rows, gold: Labels, shares: Shares, found: Discriminant) -> Map:
    """The map of all rows that have a label."""
    known = gold >= 0
    if not known.any():
        offsets = shares(gold[known])
        return Map(np.zeros((len(offsets), rows.shape[1])), offsets)
    [plain] = _maps(rows[known], gold[known], shares(gold[known]), [found.shrinkage])
    return Map(plain.weights / found.temperature, plain.offsets / found.temperature)


def _maps(rows: Rows, gold: Labels, shares: Rows, shrinkages: Sequence[float]) -> list[Map]:
    """One map for each shrinkage, of rows [n, d]."""
    member = np.eye(len(shares))[gold]
    counts = member.sum(0)
    centre = rows.mean(0)
    means = np.where(
        counts[:, None] > 0, member.T @ (rows - centre) / np.maximum(counts, 1)[:, None], 0.0
    )
    within = Spectrum(rows - centre - means[gold])
    maps = []
    for shrinkage in shrinkages:
        weights = within.solve(means, shrinkage)
        at_centre = shares - (weights * means).sum(1) / 2
        # Nothing is known of a label without rows. For every state some other label scores more:
        # the labels that have rows cannot all score less than they do at the centre.
        least = at_centre[counts > 0].min() - np.log(len(shares))
        maps.append(Map(weights, np.where(counts > 0, at_centre, least) - weights @ centre))
    return maps


def _loss(scores: Rows, gold: Labels) -> float:
    total = np.logaddexp.reduce(scores, axis=1)
    return round(float((total - scores[np.arange(len(gold)), gold]).mean()), 6)
