"""A task's prompts and cases as requests, in one tokeniser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appliance.frame import Frame, chat_frame, raw_frame
from appliance.layout import Layout, lay_out
from appliance.prompt import Prompt
from appliance.render import render
from appliance.task import Case, Example, Task
from appliance.tokens import Tokeniser
from models.trie import build


class Renderer:
    """``rows`` holds the task's rows by id, out of which prompts show demonstrations."""

    def __init__(self, task: Task, rows: Mapping[str, Example], tokeniser: Tokeniser) -> None:
        self.task = task
        self.rows = rows
        self.tokeniser = tokeniser
        self._frames: dict[str, Frame] = {}

    def layout(self, prompt: Prompt, cases: Sequence[Case], *, owned: bool = False) -> Layout:
        shots = tuple(self.rows[row] for row in prompt.shots)
        renderings = [render(prompt, self.task, case, shots) for case in cases]
        return lay_out(self.tokeniser, self._frame(prompt), renderings, owned=owned)

    def tokens(self, prompt: Prompt, cases: Sequence[Case]) -> int:
        """How many tokens scoring the cases computes."""
        trie = build(self.layout(prompt, cases).segments)
        return sum(trie.needed(trie.wanted))

    def lengths(self, prompt: Prompt, cases: Sequence[Case]) -> list[int]:
        """Of each case the longest sequence that scoring it spells, in tokens."""
        layout = self.layout(prompt, cases)
        trie = build(layout.segments)
        return [max(trie.depths[trie.paths[s][-1]] + 1 for s in plain) for plain in layout.plain]

    def _frame(self, prompt: Prompt) -> Frame:
        if prompt.mode not in self._frames:
            make = chat_frame if prompt.mode == "chat" else raw_frame
            self._frames[prompt.mode] = make(self.tokeniser)
        return self._frames[prompt.mode]
