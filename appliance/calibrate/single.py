"""Reads the one label of each row off its hidden state.

None of the above is everything else: it has no one mean, and its scatter is not that of the others.
So it is read apart, by the log odds that it holds (``calibrate/odds.py``), and the discriminant of
the labels beside it (``calibrate/discriminant.py``) learns from their rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from appliance.calibrate.discriminant import Discriminant, discriminant_map, fit_discriminant
from appliance.calibrate.objective import Objective
from appliance.calibrate.odds import Odds, fit_odds, odds_map
from appliance.calibrate.priors import Priors, priors
from appliance.calibrate.shrinkage import Labels, Map, Rows, against_all, folds, table
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Outcome


class Seen(NamedTuple):
    """States as ``rows`` [n, d], the ``fold`` in which each is held out [n], and the numbers of
    their labels (``named``) [n], in which -1 stands for none of the above."""

    rows: Rows
    fold: Labels
    named: Labels
    priors: Priors

    def discriminant(self) -> Discriminant:
        return fit_discriminant(self.rows, self.named, self.fold, self.priors.log_shares)

    def odds(self) -> Odds:
        """The odds of none of the above."""
        return fit_odds(self.rows, self.named[:, None] < 0, self.fold)


def cross_validated(states: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcome of each state by a map that has not seen it."""
    seen = _seen(states, objective)
    scores, none = seen.discriminant().held_out, seen.priors.none
    if none >= 0:
        odds = seen.odds().held_out[:, 0] + seen.priors.shift(seen.named)
        scores = against_all(np.insert(scores, none, odds, axis=1), none)
    return [state.outcome(own) for state, own in zip(states, scores, strict=True)]


def fitted(states: Sequence[State], objective: Objective) -> Map:
    """The map of all states."""
    seen = _seen(states, objective)
    none, log_shares = seen.priors.none, seen.priors.log_shares
    named = discriminant_map(seen.rows, seen.named, log_shares, seen.discriminant())
    if none < 0:
        return named
    odds = odds_map(seen.rows, seen.named[:, None] < 0, seen.odds())
    offset = odds.offsets[0] + seen.priors.shift(seen.named)
    weights = np.insert(named.weights, none, odds.weights[0], axis=0)
    return Map(weights, np.insert(named.offsets, none, offset), none)


def _seen(states: Sequence[State], objective: Objective) -> Seen:
    gold = np.array([state.gold for state in states], np.int64)
    known = priors(len(states[0].labels), states[0].none, objective)
    fold = folds(gold, [state.kin for state in states])
    return Seen(table(states), fold, known.named(gold), known)
