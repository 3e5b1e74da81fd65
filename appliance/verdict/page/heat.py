"""A confusion matrix as cells whose colour is a share of their row."""

from __future__ import annotations

import msgspec

from appliance.verdict.report.labels import Matrix

SHADES = 9


class Cell(msgspec.Struct, frozen=True):
    """``shade`` goes from 0, no case, to ``SHADES``, all of the row; ``right`` is the diagonal."""

    count: int
    shade: int
    right: bool


def heat(matrix: Matrix) -> list[tuple[str, list[Cell]]]:
    """Each label with a cell for everything that was said."""
    rows = []
    for label, counts in zip(matrix.labels, matrix.counts, strict=True):
        total = max(sum(counts), 1)
        cells = [
            Cell(count, -(-SHADES * count // total), told == label)
            for count, told in zip(counts, matrix.predicted, strict=True)
        ]
        rows.append((label, cells))
    return rows
