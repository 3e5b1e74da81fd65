"""What maps of hidden states share: a covariance shrunk towards a multiple of the identity, and
folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.scoring.hidden import State

SHRINKAGES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
FOLDS = 5

TINY = 1e-10
"""A variance below this share of the largest is rounding error and counts as 0."""

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]


class Map(NamedTuple):
    """Scores ``x @ weights.T + offsets`` of the labels: [labels, width] and [labels]. For the label
    of the number ``none``, if any, they are its log odds against all others together."""

    weights: Rows
    offsets: Rows
    none: int = -1

    def scores(self, states: Rows) -> Rows:
        plain = states @ self.weights.T + self.offsets
        return plain if self.none < 0 else against_all(plain, self.none)


def against_all(scores: Rows, none: int) -> Rows:
    """Scores [n, labels] in whose column ``none`` the log odds of none of the above against all
    other labels together are replaced by a score on the scale of the other columns."""
    found = scores.copy()
    found[:, none] += np.logaddexp.reduce(np.delete(scores, none, axis=1), axis=1)
    return found


class Spectrum:
    """The covariance of centred rows [n, d].

    It has at most n dimensions, so its inverse after shrinkage, ((1 - g) S + g t I)^-1 with t the
    mean of its diagonal, is found in these: outside them it is 1 / (g t).
    """

    def __init__(self, rows: Rows) -> None:
        n, width = rows.shape
        # Both products of the rows with themselves have the same eigenvalues above 0.
        values, vectors = np.linalg.eigh(rows @ rows.T if n <= width else rows.T @ rows)
        found = values > TINY * values[-1]
        values, vectors = values[found], vectors[:, found]
        self._axes = vectors.T @ rows / np.sqrt(values)[:, None] if n <= width else vectors.T
        self._spectrum = values / n
        self._scale = max(self._spectrum.sum() / width, 1e-12)

    def solve(self, vectors: Rows, shrinkage: float) -> Rows:
        """The inverse times each of the vectors [k, d]."""
        floor = shrinkage * self._scale
        gains = 1 / ((1 - shrinkage) * self._spectrum + floor) - 1 / floor
        solved: Rows = (vectors @ self._axes.T * gains) @ self._axes + vectors / floor
        return solved


def spread_of(scores: Rows) -> float:
    """The standard deviation of scores, or 1 where they differ by rounding errors alone."""
    found = float(scores.std())
    return found if found > TINY * float(np.abs(scores).max()) else 1.0


def folds(gold: Labels, kin: Sequence[str] = ()) -> Labels:
    """The fold of each row: the rows of a label are dealt out in turn, and each label goes on where
    the one before it ended. Rows come in random order. Rows of one ``kin`` stay together,
    unless all are of one; without a name they are of none."""
    if len({*kin}) > 1:
        units = [name or f"row {at}" for at, name in enumerate(kin)]
        first = {unit: at for at, unit in reversed([*enumerate(units)])}
        dealt = dict(zip(first, folds(gold[[*first.values()]]), strict=True))
        return np.array([dealt[unit] for unit in units], np.int64)
    order = np.argsort(gold, kind="stable")
    fold = np.empty(len(gold), np.int64)
    fold[order] = np.arange(len(gold)) % FOLDS
    return fold


def table(states: Sequence[State]) -> Rows:
    """The states as rows [n, d]."""
    rows = np.stack([np.frombuffer(state.values, "<f2") for state in states])
    return rows.astype(np.float64)
