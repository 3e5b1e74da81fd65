"""A task's prompts and cases as requests, in one tokeniser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from appliance.encode.frame import Frame, chat_frame, opened, raw_frame
from appliance.encode.layout import Layout, lay_out
from appliance.encode.tokens import Tokeniser
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import opening, render, reverse
from appliance.task import Case, Example, Task
from models.engine import Hidden, Segment
from models.trie import build

Answers = tuple[int, ...]
"""The segments of a request that spell the answers to one question, in their order."""


@dataclass(frozen=True)
class Sheet:
    """A block of cases laid out.

    Case i has the questions ``plain[i]``, the same questions without content ``free[i]``, and the
    row under each label ``channel[i]``, where the prompt has a channel.
    """

    layout: Layout
    plain: list[list[Answers]]
    free: list[list[Answers]]
    channel: list[Answers]

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(self.layout.segments)


class Renderer:
    """Renders the prompts of one task with one tokeniser.

    ``rows`` holds the task's rows by id, out of which prompts show demonstrations. Every method
    raises InputError where a chat prompt meets a model without a template that fits, and
    WorkerError where the tokeniser's model cannot answer.
    """

    def __init__(self, task: Task, rows: Mapping[str, Example], tokeniser: Tokeniser) -> None:
        self.task = task
        self.rows = rows
        self.tokeniser = tokeniser
        self._frames: dict[str, Frame] = {}

    def sheet(
        self,
        prompt: Prompt,
        cases: Sequence[Case],
        reasoning: Sequence[str] | None = None,
        *,
        owned: bool = False,
    ) -> Sheet:
        """The cases as one request; ``reasoning`` is what was written before each case's answer,
        where the prompt asks for some. Tokens have owners where they are ``owned``."""
        shots = self._shots(prompt)
        reasons = reasoning or [""] * len(cases)
        asked = [
            render(prompt, self.task, case, shots, text)
            for case, text in zip(cases, reasons, strict=True)
        ]
        given = [reverse(prompt, self.task, case, shots) for case in cases if prompt.reverse]
        every = list(chain(*asked, *given))
        layout = lay_out(self.tokeniser, self.frame(prompt), every, owned=owned)
        plain, free = iter(layout.plain), iter(layout.free)
        return Sheet(
            layout,
            [[next(plain) for _ in questions] for questions in asked],
            [[next(free) for _ in questions] for questions in asked],
            [tuple(next(plain)[0] for _ in labels) for labels in given],
        )

    def openings(
        self, prompt: Prompt, cases: Sequence[Case], reasoning: Sequence[str] | None = None
    ) -> tuple[tuple[int, ...], ...]:
        """The token ids that a model continues, one tuple a case.

        It continues them with its reasoning, or, where ``reasoning`` is given or none is asked for,
        with its answer.
        """
        shots = self._shots(prompt)
        texts = [opening(prompt, self.task, case, shots) for case in cases]
        if reasoning is not None:
            texts = [
                text + more + prompt.extractor for text, more in zip(texts, reasoning, strict=True)
            ]
        return opened(self.tokeniser, self.frame(prompt), texts)

    def hidden(self, prompt: Prompt, cases: Sequence[Case]) -> Hidden:
        """Asks for the state before each case's answer. What all cases begin with stands once."""
        return after_a_stem(self.openings(prompt, cases))

    def tokens(self, prompt: Prompt, cases: Sequence[Case]) -> int:
        """How many tokens are computed to score the cases; those that are written come on top."""
        if prompt.readout == "hidden":
            return len(build(self.hidden(prompt, cases).segments))
        trie = build(self.sheet(prompt, cases).segments)
        return sum(trie.needed(trie.wanted))

    def lengths(self, prompt: Prompt, cases: Sequence[Case]) -> list[int]:
        """The length in tokens of the longest sequence that each case is scored by."""
        if prompt.readout == "hidden":
            return list(map(len, self.openings(prompt, cases)))
        sheet = self.sheet(prompt, cases)
        trie = build(sheet.segments)
        channels = sheet.channel or [()] * len(cases)
        return [
            max(trie.depths[trie.paths[s][-1]] + 1 for s in chain(channel, *questions))
            for questions, channel in zip(sheet.plain, channels, strict=True)
        ]

    def longest_text(self, cases: Sequence[Case]) -> int:
        """How many tokens the longest text of the cases has by itself."""
        encoded = self.tokeniser.encode([case.query.text for case in cases], closed=True)
        return max(len(ids) for ids, _ in encoded)

    def frame(self, prompt: Prompt) -> Frame:
        """What stands around the content of prompts in this one's mode."""
        if prompt.mode not in self._frames:
            make = chat_frame if prompt.mode == "chat" else raw_frame
            self._frames[prompt.mode] = make(self.tokeniser)
        return self._frames[prompt.mode]

    def _shots(self, prompt: Prompt) -> tuple[Example, ...]:
        return tuple(self.rows[row] for row in prompt.shots)


def after_a_stem(sequences: Sequence[Sequence[int]]) -> Hidden:
    """Asks for the state at each sequence's end. What all begin with, short of the last token of
    the shortest, is one segment."""
    shortest = min(map(len, sequences), default=1) - 1
    columns = enumerate(zip(*(ids[:shortest] for ids in sequences), strict=True))
    stem = next((at for at, column in columns if len(set(column)) > 1), shortest)
    if not stem:
        segments = [Segment(-1, tuple(ids)) for ids in sequences]
        return Hidden(tuple(segments), tuple(range(len(segments))))
    branches = [Segment(0, tuple(ids[stem:])) for ids in sequences]
    segments = [Segment(-1, tuple(sequences[0][:stem])), *branches]
    return Hidden(tuple(segments), tuple(range(1, len(segments))))
