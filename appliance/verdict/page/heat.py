"""A confusion matrix as cells whose shade tells their share of the row."""

from __future__ import annotations

import msgspec

from appliance.verdict.report.labels import Matrix

SHADES = 9
"""The number of shades above none."""


class Cell(msgspec.Struct, frozen=True):
    """``shade`` goes from 0 (no case) to ``SHADES`` (all cases of the row); ``right`` is true on
    the diagonal."""

    count: int
    shade: int
    right: bool


def heat(matrix: Matrix) -> list[tuple[str, list[Cell]]]:
    """Returns each label with a cell for every predicted answer."""
    rows = []
    for label, counts in zip(matrix.labels, matrix.counts, strict=True):
        total = max(sum(counts), 1)
        cells = [
            Cell(count, -(-SHADES * count // total), predicted == label)
            for count, predicted in zip(counts, matrix.predicted, strict=True)
        ]
        rows.append((label, cells))
    return rows
