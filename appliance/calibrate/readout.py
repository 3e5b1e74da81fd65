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

from appliance.calibrate import several
from appliance.calibrate.objective import Objective
from appliance.calibrate.reliability import fit_temperature
from appliance.calibrate.shrinkage import SHRINKAGES, Labels, Map, Rows, Spectrum, folds, table
from appliance.prompts.linear_map import LinearMap
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Outcome


class Fitted(NamedTuple):
    """A shrinkage, the temperature of its scores, and for every row its scores [rows, labels] by a
    map that has not seen it, divided by the temperature."""

    shrinkage: float
    temperature: float
    held_out: Rows


def cross_validated(states: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcome of each state by a map that has not seen it. The states are those of one prompt
    for cases with the same labels, of which each has one or any number."""
    if not states:
        return []
    if states[0].holds:
        return several.cross_validated(states, objective)
    found = _fit(states, objective)
    return [state.outcome(scores) for state, scores in zip(states, found.held_out, strict=True)]


def predicted(seen: Sequence[State], new: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcomes of new states by the map that is fitted to those ``seen``."""
    scores = _map(seen, objective).scores(table(new))
    return [state.outcome(own) for state, own in zip(new, scores, strict=True)]


def fit_map(states: Sequence[State], objective: Objective, model: str) -> LinearMap:
    """The map as a prompt keeps it; ``model`` is the hash of the file whose states these are."""
    found = _map(states, objective)
    values = np.column_stack([found.weights, found.offsets]).astype("<f4")
    return LinearMap(model, found.weights.shape[1], values.tobytes())


def _map(states: Sequence[State], objective: Objective) -> Map:
    if states[0].holds:
        return several.fitted(states, objective)
    rows, gold, labels = table(states), _gold(states), len(states[0].labels)
    chosen = _fit(states, objective)
    [found] = _discriminants(rows, gold, _log_shares(gold, labels, objective), [chosen.shrinkage])
    return found.divided(chosen.temperature)


def _fit(states: Sequence[State], objective: Objective) -> Fitted:
    """The shrinkage whose held-out scores have the least loss at their best temperature."""
    rows, gold, labels = table(states), _gold(states), len(states[0].labels)
    held_out = np.zeros((len(SHRINKAGES), len(rows), labels))
    fold = folds(gold, [state.group for state in states])
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
    """One map for each shrinkage, of rows [n, d]."""
    labels = len(log_shares)
    member = np.eye(labels)[gold]
    counts = member.sum(0)
    centre = rows.mean(0)
    means = np.where(
        counts[:, None] > 0, member.T @ (rows - centre) / np.maximum(counts, 1)[:, None], 0.0
    )
    within = Spectrum(rows - centre - means[gold])
    maps = []
    for shrinkage in shrinkages:
        weights = within.solve(means, shrinkage)
        offsets = log_shares - (weights * means).sum(1) / 2 - weights @ centre
        # Nothing is known of a label without rows: it is as unlikely as any, whatever the state.
        maps.append(Map(weights, np.where(counts > 0, offsets, offsets[counts > 0].min())))
    return maps


def _log_shares(gold: Labels, labels: int, objective: Objective) -> Rows:
    """Logarithms of the labels' shares, as the objective has them where it does; equal ones for
    macro-F1, in which all labels weigh the same."""
    if objective.metric == "macro_f1":
        return np.zeros(labels)
    if len(objective.shares) == labels:  # The first cases may have other shares than all.
        return np.array(objective.shares)
    counts = np.bincount(gold, minlength=labels)
    return np.asarray(np.log((counts + 1) / (counts.sum() + labels)))


def _loss(scores: Rows, gold: Labels) -> float:
    peak = scores.max(1)
    total = np.log(np.exp(scores - peak[:, None]).sum(1)) + peak
    return round(float((total - scores[np.arange(len(gold)), gold]).mean()), 6)


def _gold(states: Sequence[State]) -> Labels:
    return np.array([state.gold for state in states], np.int64)
