"""How well hidden states tell labels apart, on rows that the map has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from appliance.calibrate.fitted import Fit
from appliance.scoring.outcomes import Outcome, Scored

PLAIN = Fit(0.0)

MOST = 20
"""The pairs of labels that are named at most."""


class Confused(msgspec.Struct, frozen=True):
    """``count`` cases of ``label`` for which something else was ``predicted``."""

    label: str
    predicted: str
    count: int


class Separation(msgspec.Struct, frozen=True):
    """``right`` of ``n`` rows were read right; ``confused`` are the most frequent errors."""

    n: int
    right: int
    confused: tuple[Confused, ...]


def separation(held_out: Sequence[Outcome]) -> Separation:
    """How outcomes by maps that have not seen them fall out. Where a row may have several labels,
    nothing is confused with anything."""
    errors: Counter[tuple[str, str]] = Counter()
    for outcome in held_out:
        if isinstance(outcome, Scored) and not outcome.correct(PLAIN):
            errors[outcome.labels[outcome.gold], outcome.predicted(PLAIN)] += 1
    ranked = sorted(errors.items(), key=lambda item: (-item[1], item[0]))
    return Separation(
        n=len(held_out),
        right=sum(outcome.correct(PLAIN) for outcome in held_out),
        confused=tuple(Confused(*pair, count) for pair, count in ranked[:MOST]),
    )
