"""The score curve: every candidate a dot, the best so far a line, over what was spent."""

from __future__ import annotations

import math

from textual.content import Content, Span
from textual.widget import Widget

from store.records import RunRecord
from tui.plot import Canvas
from tui.run_view import RunView
from tui.words import counted, duration

LABEL = 5
STEP = 0.05
LEAST = (24, 4)
"""The least columns and rows in which there is room for a curve."""


class Curve(Widget):
    def __init__(self) -> None:
        super().__init__(id="curve")
        self._view: RunView | None = None
        self._spent, self._budget = 0.0, 0.0

    def show(self, run: RunRecord, view: RunView) -> None:
        self._view = view
        self._spent, self._budget = run.spent, run.budget
        self.border_title = f"{view.measure}  ⠒⠒ best so far  ⠂ candidate"
        self.border_subtitle = _counts(view)
        self.refresh()

    def render(self) -> Content:
        width, height = self.size
        columns, rows = width - LABEL - 2, height - 2
        if columns < LEAST[0] or rows < LEAST[1]:
            return Content("a larger terminal shows the curve here")
        if self._view is None or not self._view.evaluations:
            return Content("the curve begins with the first evaluation")
        return self._drawn(self._view, columns, rows)

    def _drawn(self, view: RunView, columns: int, rows: int) -> Content:
        best = view.best_so_far()
        values = [e.value for e in view.evaluations] + [a for _, a in best]
        low, high = _bounds(values)
        last = max(self._spent, view.evaluations[-1].spent)
        end = max(last, self._budget, 1.0)
        dots, line = Canvas(columns, rows), Canvas(columns, rows)
        for evaluation in view.evaluations:
            dots.point(evaluation.spent / end, (evaluation.value - low) / (high - low))
        if best:
            stairs = [*best, (last, best[-1][1])]
            line.staircase([(spent / end, (a - low) / (high - low)) for spent, a in stairs])

        marks = {0: high, rows - 1: low}
        if rows % 2:
            marks[rows // 2] = (low + high) / 2
        text, spans = "", []
        for row, drawn in enumerate(line.over(dots)):
            label = f"{marks[row]:.2f}" if row in marks else ""
            text += f"{label:>{LABEL}} {'┤' if label else '│'}"
            spans += [
                Span(len(text) + column, len(text) + column + 1, "bold $text-success")
                for column in range(columns)
                if line.is_set(column, row)
            ]
            text += drawn + "\n"
        text += f"{'':{LABEL}} └{'─' * columns}\n"
        right = f"{duration(end)} budget" if end == self._budget else duration(end)
        text += f"{'':{LABEL + 2}}{'0:00 spent':<{columns - len(right)}}{right}"
        return Content(text, spans=spans)


def _bounds(values: list[float]) -> tuple[float, float]:
    """Round limits that hold every point, inside 0 to 1."""
    low = max(0.0, math.floor(min(values) / STEP) * STEP)
    high = min(1.0, math.ceil(max(values) / STEP) * STEP)
    return (low, high) if high > low else (max(0.0, low - STEP), min(1.0, high + STEP))


def _counts(view: RunView) -> str:
    if not view.evaluations:
        return ""
    sizes = [evaluation.n for evaluation in view.evaluations]
    least, most = min(sizes), max(sizes)
    n = f"n {least}" if least == most else f"n {least} to {most}"
    return f"{counted(len(sizes), 'evaluation')}, {n} cases each"
