"""Fits the map that reads labels off hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.calibrate import several, single
from appliance.calibrate.objective import Objective
from appliance.calibrate.shrinkage import Map, table
from appliance.prompts.linear_map import LinearMap
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Outcome


def cross_validated(states: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcome of each state by a map that has not seen it. The states are those of one prompt
    for cases with the same labels, of which each has one or any number."""
    if not states:
        return []
    if states[0].holds:
        return several.cross_validated(states, objective)
    return single.cross_validated(states, objective)


def predicted(seen: Sequence[State], new: Sequence[State], objective: Objective) -> list[Outcome]:
    """The outcomes of new states by the map that is fitted to those ``seen``."""
    scores = _map(seen, objective).scores(table(new))
    return [state.outcome(own) for state, own in zip(new, scores, strict=True)]


def fit_map(states: Sequence[State], objective: Objective, model: str) -> LinearMap:
    """The map as a prompt keeps it; ``model`` is the hash of the file whose states these are."""
    found = _map(states, objective)
    values = np.column_stack([found.weights, found.offsets]).astype("<f4")
    return LinearMap(model, found.weights.shape[1], values.tobytes(), found.none)


def _map(states: Sequence[State], objective: Objective) -> Map:
    if states[0].holds:
        return several.fitted(states, objective)
    return single.fitted(states, objective)
