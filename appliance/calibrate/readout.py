"""Fits the map that reads labels off hidden states: a linear discriminant with shrinkage.

The score of label c for a state x is its log density under a normal distribution with the label's
mean and a covariance that all labels share, plus the log of its share (Fisher, 1936). The
covariance is that within the labels, shrunk towards a multiple of the identity: with fewer rows
than dimensions it could not be inverted otherwise (Friedman, JASA 84, 1989; "regularized
discriminant analysis" with one covariance). The shrinkage is chosen, and a temperature fitted (Guo
et al., ICML 2017), by the loss on rows that a fit has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from appliance.calibrate.objective import Objective
from appliance.calibrate.reliability import fit_temperature
from appliance.prompts.linear_map import LinearMap
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Scored

SHRINKAGES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
FOLDS = 5

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]


class Map(NamedTuple):
    """Scores ``x @ weights.T + offsets`` of the labels: [labels, width] and [labels]."""

    weights: Rows
    offsets: Rows

    def scores(self, states: Rows) -> Rows:
        return states @ self.weights.T + self.offsets

    def divided(self, by: float) -> Map:
        return Map(self.weights / by, self.offsets / by)


class Fitted(NamedTuple):
    """A shrinkage, the temperature of its scores, and for every row its scores [rows, labels] by a
    map that has not seen it, divided by the temperature."""

    shrinkage: float
    temperature: float
    held_out: Rows


def cross_validated(states: Sequence[State], objective: Objective) -> list[Scored]:
    """The outcome of each state by a map that has not seen it. The states are those of one prompt
    for cases with the same labels."""
    if not states:
        return []
    found = _fit(*_table(states), len(states[0].labels), objective)
    return [state.scored(scores) for state, scores in zip(states, found.held_out, strict=True)]


def predicted(seen: Sequence[State], new: Sequence[State], objective: Objective) -> list[Scored]:
    """The outcomes of new states by the map that is fitted to those ``seen``."""
    scores = _map(seen, objective).scores(_table(new)[0])
    return [state.scored(own) for state, own in zip(new, scores, strict=True)]


def fit_map(states: Sequence[State], objective: Objective, model: str) -> LinearMap:
    """The map as a prompt keeps it; ``model`` is the hash of the file whose states these are."""
    found = _map(states, objective)
    table = np.column_stack([found.weights, found.offsets]).astype("<f4")
    return LinearMap(model, found.weights.shape[1], table.tobytes())


def _map(states: Sequence[State], objective: Objective) -> Map:
    rows, gold = _table(states)
    labels = len(states[0].labels)
    chosen = _fit(rows, gold, labels, objective)
    [found] = _discriminants(rows, gold, _log_shares(gold, labels, objective), [chosen.shrinkage])
    return found.divided(chosen.temperature)


def _fit(rows: Rows, gold: Labels, labels: int, objective: Objective) -> Fitted:
    """The shrinkage whose held-out scores have the least loss at their best temperature."""
    held_out = np.zeros((len(SHRINKAGES), len(rows), labels))
    fold = _folds(gold)
    for number in np.unique(fold):
        out = fold == number
        if out.all():  # A single row has none to learn from.
            break
        shares = _log_shares(gold[~out], labels, objective)
        maps = _discriminants(rows[~out], gold[~out], shares, SHRINKAGES)
        held_out[:, out] = [found.scores(rows[out]) for found in maps]
    fits = []
    for shrinkage, scores in zip(SHRINKAGES, held_out, strict=True):
        # A density in hundreds of dimensions is far too sure: a temperature may be in the hundreds.
        spread = float(scores.std()) or 1.0
        temperature = spread * fit_temperature((scores / spread).tolist(), gold.tolist())
        fits.append(Fitted(shrinkage, temperature, scores / temperature))
    return min(fits, key=lambda found: _loss(found.held_out, gold))


def _discriminants(
    rows: Rows, gold: Labels, log_shares: Rows, shrinkages: Sequence[float]
) -> list[Map]:
    """One map for each shrinkage, of rows [n, d].

    The within-label covariance S has at most n dimensions, so its inverse after shrinkage,
    ((1 - g) S + g t I)^-1 with t the mean of its diagonal, is found in these: outside them it is
    1 / (g t).
    """
    labels = len(log_shares)
    member = np.eye(labels)[gold]
    counts = member.sum(0)
    centre = rows.mean(0)
    means = np.where(
        counts[:, None] > 0, member.T @ (rows - centre) / np.maximum(counts, 1)[:, None], 0.0
    )
    within = rows - centre - means[gold]
    _, singular, axes = np.linalg.svd(within, full_matrices=False)
    spectrum = singular**2 / len(rows)
    scale = max(spectrum.sum() / rows.shape[1], 1e-12)
    along = means @ axes.T
    maps = []
    for shrinkage in shrinkages:
        floor = shrinkage * scale
        gains = 1 / ((1 - shrinkage) * spectrum + floor) - 1 / floor
        weights = (along * gains) @ axes + means / floor
        offsets = log_shares - (weights * means).sum(1) / 2 - weights @ centre
        # Nothing is known of a label without rows: it is as unlikely as any, whatever the state.
        maps.append(Map(weights, np.where(counts > 0, offsets, offsets[counts > 0].min())))
    return maps


def _log_shares(gold: Labels, labels: int, objective: Objective) -> Rows:
    """Logarithms of the labels' shares; equal ones for macro-F1, in which all labels weigh the
    same."""
    if objective.metric == "macro_f1":
        return np.zeros(labels)
    counts = np.bincount(gold, minlength=labels)
    return np.asarray(np.log((counts + 1) / (counts.sum() + labels)))


def _folds(gold: Labels) -> Labels:
    """The fold of each row: the rows of a label are dealt out in turn, and each label goes on where
    the one before it ended. Rows come in random order."""
    order = np.argsort(gold, kind="stable")
    fold = np.empty(len(gold), np.int64)
    fold[order] = np.arange(len(gold)) % FOLDS
    return fold


def _loss(scores: Rows, gold: Labels) -> float:
    peak = scores.max(1)
    total = np.log(np.exp(scores - peak[:, None]).sum(1)) + peak
    return round(float((total - scores[np.arange(len(gold)), gold]).mean()), 6)


def _table(states: Sequence[State]) -> tuple[Rows, Labels]:
    rows = np.stack([np.frombuffer(state.values, "<f2") for state in states])
    return rows.astype(np.float64), np.array([state.gold for state in states], np.int64)
