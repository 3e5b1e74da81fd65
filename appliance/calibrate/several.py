"""Reads several labels off a hidden state, each by its own odds (``calibrate/odds.py``). One
temperature and one threshold serve all labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.calibrate.odds import Holds, fit_odds, learnt, odds_map
from appliance.calibrate.shrinkage import Labels, Map, Rows, folds, table
from appliance.calibrate.threshold import rethreshold
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Outcome


def cross_validated(states: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcome of each state by a map and a threshold that have not seen it."""
    rows, holds, fold = table(states), _holds(states), _folds(states)
    odds = fit_odds(rows, holds, fold).held_out
    found = _outcomes(states, odds)
    above = np.zeros(odds.shape)
    for number in np.unique(fold):
        others = [one for one, other in zip(found, fold, strict=True) if other != number]
        above[fold == number] = _thresholds(others, holds[fold != number], objective)
    return _outcomes(states, odds - above)


def fitted(states: Sequence[State], objective: Objective) -> Map:
    """The map of all states, with the threshold in its offsets."""
    rows, holds = table(states), _holds(states)
    found = fit_odds(rows, holds, _folds(states))
    above = _thresholds(_outcomes(states, found.held_out), holds, objective)
    plain = odds_map(rows, holds, found)
    return Map(plain.weights, plain.offsets - above)


def _outcomes(states: Sequence[State], odds: Rows) -> list[Outcome]:
    return [state.outcome(own) for state, own in zip(states, odds, strict=True)]


def _thresholds(outcomes: Sequence[Outcome], holds: Holds, objective: Objective) -> Rows:
    """What each label's log odds have to be above. A threshold below 0, which finds more of labels
    that have rows, says nothing of one that no row has."""
    found = rethreshold(outcomes, Fit(0.0), objective).threshold if outcomes else 0.0
    return np.where(learnt(holds), found, max(found, 0.0))


def _holds(states: Sequence[State]) -> Holds:
    return np.array([state.holds for state in states], bool)


def _folds(states: Sequence[State]) -> Labels:
    """The fold of each row. Rows with the same set of labels are spread evenly over the folds."""
    sets = np.unique(_holds(states), axis=0, return_inverse=True)[1].ravel()
    return folds(sets, [state.kin for state in states])
