"""Choices as tables, so that many calibrations are tried on them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from appliance.calibrate.objective import Objective
from appliance.scoring.outcomes import Calibration, Scored

Table = NDArray[np.float64]


class Choices:
    """The scores of choices [n, options]. One that has fewer options than others has none of
    those."""

    def __init__(self, scored: Sequence[Scored], objective: Objective) -> None:
        most = max(len(one.plain) for one in scored)
        self._plain = _table([one.plain for one in scored], most)
        sizes = np.array([len(one.plain) for one in scored])
        self._missing = np.arange(most) >= sizes[:, None]
        self._free = _table([one.free for one in scored], most)
        self._channel = _table([one.channel for one in scored], most)
        self._likeness = _table([one.likeness for one in scored], most)
        self._has_channel = any(one.channel for one in scored)
        self._gold = np.arange(len(scored)), np.array([one.gold for one in scored])
        self._weights = np.array(objective.weights(scored))

    def penalty(self, by: Calibration, inverse_temperature: float) -> float:
        """The sum of the penalties of all choices (``calibration.penalties``), rounded to 1e-6, so
        that calibrations which decide alike have equal ones."""
        scores = self._scores(by)
        sure = inverse_temperature * scores
        loss = np.logaddexp.reduce(sure, axis=1) - sure[self._gold]
        wrong = scores.argmax(1) != self._gold[1]
        return round(float(self._weights @ (loss.round(4) + wrong)), 6)

    def _scores(self, by: Calibration) -> Table:
        """As ``Scored.scores`` has them."""
        v = by.channel_weight if self._has_channel else 0.0
        found = (1 - v) * (self._plain - by.weight * self._free) + v * self._channel
        found += by.likeness_weight * self._likeness
        if by.bias:
            found -= np.array(by.bias)
        return np.where(self._missing, -np.inf, found.round(4))


def _table(rows: Sequence[Sequence[float]], width: int) -> Table:
    found = np.zeros((len(rows), width))
    for row, own in zip(found, rows, strict=True):
        row[: len(own)] = own
    return found
