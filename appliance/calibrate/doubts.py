"""Rows whose labels are doubtful: confident learning (Northcutt, Jiang and Chuang, JAIR 2021).

A row is doubtful where a map that has not seen it finds another label likelier than the one that it
has, and at least as likely as that label is found, in the mean, on rows that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum
from statistics import fmean

import msgspec

from appliance.scoring.outcomes import Outcome, Scored


class Doubt(msgspec.Struct, frozen=True):
    """The row with the id ``row`` has the ``label`` and may rather have another one. Probabilities
    are those of the two labels by a map that has not seen the row."""

    row: str
    label: str
    rather: str
    probability: float
    of_label: float


def doubts(rows: Sequence[str], held_out: Sequence[Outcome]) -> tuple[Doubt, ...]:
    """Returns the doubtful ones of ``rows``, the surest doubts first. ``held_out`` are the rows'
    outcomes by maps that have not seen them, with the logarithms of probabilities as scores. Rows
    that may have several labels are not doubted."""
    chosen = [one for one in held_out if isinstance(one, Scored)]
    if not chosen:
        return ()
    found = list(map(_probabilities, chosen))
    usual: dict[int, list[float]] = {}
    for one, shares in zip(chosen, found, strict=True):
        usual.setdefault(one.gold, []).append(shares[one.gold])
    threshold = {label: fmean(shares) for label, shares in usual.items()}
    doubtful = []
    for row, one, shares in zip(rows, chosen, found, strict=True):
        rivals = [y for y in threshold if y != one.gold and shares[y] >= threshold[y]]
        rather = max(rivals, key=shares.__getitem__, default=one.gold)
        if shares[rather] > shares[one.gold]:
            doubtful.append(
                Doubt(
                    row,
                    one.labels[one.gold],
                    one.labels[rather],
                    round(shares[rather], 4),
                    round(shares[one.gold], 4),
                )
            )
    doubtful.sort(key=lambda doubt: (doubt.of_label - doubt.probability, doubt.row))
    return tuple(doubtful)


def _probabilities(outcome: Scored) -> list[float]:
    peak = max(outcome.plain)
    each = [exp(score - peak) for score in outcome.plain]
    total = fsum(each)
    return [share / total for share in each]
