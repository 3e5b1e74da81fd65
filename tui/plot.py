"""Dots and lines in braille characters, with 2 x 4 dots a cell."""

from __future__ import annotations

from itertools import pairwise

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800


class Canvas:
    """Points have both coordinates from 0 to 1, the origin at the lower left."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[0] * columns for _ in range(rows)]

    def point(self, x: float, y: float) -> None:
        self._set(*self._place(x, y))

    def staircase(self, points: list[tuple[float, float]]) -> None:
        """Draws level from each point to the next one's x, then straight up or down to it."""
        places = [self._place(x, y) for x, y in points]
        for (left, height), (right, following) in pairwise(places):
            for column in range(left, right + 1):
                self._set(column, height)
            for row in range(min(height, following), max(height, following) + 1):
                self._set(right, row)

    def is_set(self, column: int, row: int) -> bool:
        return bool(self._cells[row][column])

    def over(self, other: Canvas) -> list[str]:
        """The rows of this canvas drawn over those of another one of its size."""
        return [
            "".join(_character(a | b) for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in zip(self._cells, other._cells, strict=True)
        ]

    def _place(self, x: float, y: float) -> tuple[int, int]:
        across, down = 2 * self.columns - 1, 4 * self.rows - 1
        return round(_within(x) * across), round((1.0 - _within(y)) * down)

    def _set(self, x: int, y: int) -> None:
        self._cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]


def _character(dots: int) -> str:
    return chr(_BLANK | dots) if dots else " "


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)
