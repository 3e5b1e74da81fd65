"""Answers the rows of a file, block by block, and says how it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from appliance.data.choices import Choices
from appliance.data.read.source import Source
from appliance.encode.renderer import Renderer
from appliance.predict.rows import BLOCK, Checked, Original, blocks
from appliance.prompts.prompt import Prompt
from appliance.scoring.predict import Answer, Asked, predict_rows
from appliance.task import Example

Answered = tuple[Original, Example, Answer]


class Progress(msgspec.Struct, frozen=True):
    """``done`` of ``rows`` are answered; ``rate`` is in rows a second, and ``left`` in seconds."""

    done: int
    rows: int
    rate: float
    left: float


Tell = Callable[[Progress], None]


def answered(
    ask: Asked,
    renderer: Renderer,
    prompt: Prompt,
    source: Source,
    choices: Choices,
    checked: Checked,
    tell: Tell,
    *,
    start: int = 0,
) -> Iterator[list[Answered]]:
    """Yields the rows with their answers, block by block, from the block ``start`` on. What ``ask``
    raises is passed on."""
    begun, first = time.monotonic(), min(start * BLOCK, checked.rows)
    done = first
    for block in blocks(source, choices, checked, start):
        rows = [row for _, _, row in block]
        answers = predict_rows(ask, renderer, prompt, rows)
        done += len(block)
        rate = (done - first) / max(time.monotonic() - begun, 1e-6)
        tell(Progress(done, checked.rows, rate, (checked.rows - done) / rate))
        yield [
            (original, row, answer)
            for (_, original, row), answer in zip(block, answers, strict=True)
        ]
