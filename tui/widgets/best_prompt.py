"""The best prompt as a person reads it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from store.records import RunRecord
from tui.run_view import RunView
from tui.words import lines


class BestPrompt(VerticalScroll):
    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def show(self, run: RunRecord, view: RunView) -> None:
        if view.prompt_id == self._shown:
            return
        self._shown = view.prompt_id
        is_seed = view.prompt_id == run.seed_prompt
        self.border_title = "prompt: still the seed's" if is_seed else "best prompt"
        self.border_subtitle = Content(view.prompt_id)
        self.query_one(Static).update(_styled(lines(view.prompt_text)))
        self.scroll_home(animate=False)


def _styled(text: str) -> Content:
    """The headings between sections stand out; everything else is as it is."""
    rows = [
        Content.styled(row, "bold") if row.startswith("[") and row.endswith("]") else Content(row)
        for row in text.split("\n")
    ]
    return Content("\n").join(rows)
