"""The candidates of a run, newest first."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from appliance.run.events import Tried
from appliance.text import printable
from tui.run_view import SHOWN, RunView
from tui.words import counted

WORDS = ("outcome", "operator", "section")
FIGURES = ("n", "95 %", "loss")
STRONG = ("leads", "accepted")


class Candidates(DataTable[Text]):
    BORDER_TITLE = "candidates"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="candidates", cursor_type="row", zebra_stripes=True)
        self._shown: tuple[str, int] = ("", 0)

    def show(self, view: RunView) -> None:
        """Follows the newest candidate; a cursor that was moved off it stays on its own."""
        now = (view.run_id, view.candidates_seen)
        if now == self._shown:
            return
        same = self._shown[0] == view.run_id
        cursor = self.cursor_row
        row = cursor + view.candidates_seen - self._shown[1] if same and cursor else 0
        self._shown = now
        self._fill(view.measure, [_cells(candidate) for candidate in reversed(view.candidates)])
        self.move_cursor(row=min(row, self.row_count - 1))
        seen = counted(view.candidates_seen, "candidate")
        full = view.candidates_seen > SHOWN or len(view.candidates) == SHOWN
        self.border_subtitle = f"the last {SHOWN}" if full else seen

    def _fill(self, measure: str, rows: list[list[Text]]) -> None:
        """Fills the table and sets its widths itself.

        A DataTable measures new cells when it next idles, and goes on showing what was drawn
        before that cut to the old widths.
        """
        self.clear(columns=True)
        figures = (Text(name, justify="right") for name in (measure, *FIGURES))
        labels = [*map(Text, WORDS), *figures]
        for label, *column in zip(labels, *rows, strict=True):
            self.add_column(label, width=max(cell.cell_len for cell in (label, *column)))
        self.add_rows(rows)


def _cells(candidate: Tried) -> list[Text]:
    strong = "bold" if candidate.outcome in STRONG else ""
    words = (candidate.outcome, candidate.operator, candidate.section)
    return [
        *(Text(printable(word), style=strong) for word in words),
        *(Text(figure, style=strong, justify="right") for figure in _figures(candidate)),
    ]


def _figures(candidate: Tried) -> tuple[str, str, str, str]:
    low, high = candidate.interval
    value, loss = f"{candidate.value:.3f}", f"{candidate.loss:.3f}"
    return value, str(candidate.n), f"{low:.2f}–{high:.2f}", loss
