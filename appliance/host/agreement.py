"""Two bodies agree as far as their label scores rank alike on the same cases."""

from __future__ import annotations

from itertools import chain
from statistics import fmean

import msgspec

from appliance.encode.renderer import Sheet
from appliance.scoring.replies import totals
from models.engine import Score, Scores
from models.protocol import Models


class Agreement(msgspec.Struct, frozen=True):
    """``spearman`` is the rank correlation of the ``n`` label scores that each of two bodies gives,
    every score being taken against the mean of its case."""

    spearman: float
    n: int


def score_agreement(models: Models, sheet: Sheet, one: str, other: str) -> Agreement:
    """``one`` and ``other`` name workers with the same vocabulary. Both score the sheet."""
    from appliance.statistics.proportions import rank_agreement

    # Scores of labels differ most by length, in every case and under every body.
    ours, theirs = (
        [
            score - fmean(case) * (len(case) > 1)
            for case in _scored(models, sheet, w)
            for score in case
        ]
        for w in (one, other)
    )
    return Agreement(round(rank_agreement(ours, theirs).spearman, 4), len(ours))


def _scored(models: Models, sheet: Sheet, worker: str) -> list[list[float]]:
    """Returns every score of each case."""
    reply = models.call(worker, Score(sheet.segments))
    assert isinstance(reply, Scores)
    total = totals(sheet, reply)
    return [[total[answer] for answer in chain(*questions)] for questions in sheet.plain]
