"""The runs, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from appliance.run.read import Run
from appliance.text import printable

MARKS = {
    "queued": "…",
    "running": "▶",
    "paused": "‖",
    "stopped": "■",
    "failed": "✗",
    "finished": "✓",
}


class RunList(OptionList):
    BORDER_TITLE = "Strop · runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Next run", show=False),
        Binding("k", "cursor_up", "Previous run", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="runs")
        self._shown: dict[str, Content] = {}

    def show(self, runs: Sequence[Run], damaged: int) -> None:
        """Touches only the lines that changed; the chosen run stays chosen when others come.
        ``damaged`` counts the runs that cannot be read."""
        self.border_subtitle = f"{damaged} damaged: strop doctor" if damaged else ""
        lines = {run.id: _line(run) for run in runs}
        if list(lines) == list(self._shown):
            for run_id, line in lines.items():
                if line.plain != self._shown[run_id].plain:
                    self.replace_option_prompt(run_id, line)
        else:
            chosen = self.highlighted_option.id if self.highlighted_option else None
            self.set_options(Option(line, id=run_id) for run_id, line in lines.items())
            if lines:
                self.highlighted = list(lines).index(chosen) if chosen in lines else 0
        self._shown = lines

    def choose(self, run_id: str) -> None:
        if run_id in self._shown:
            self.highlighted = self.get_option_index(run_id)


def _line(run: Run) -> Content:
    status, given = run.record.status, run.verdict
    if given is not None:
        gained = "" if given.stands else f"{given.gain:+.3f} "
        state = gained + given.words
    elif status in ("running", "paused"):
        state = f"{status} {run.share:.0%}"
    else:
        state = status
    return Content.assemble(
        f"{MARKS.get(status, ' ')} ",
        (printable(run.task), "bold"),
        f"\n  {printable(run.inputs.model)}",
        f"\n  {printable(state)}",
    )
