"""Templates with their slots filled, as stretches of text that know which literal owns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from appliance.prompts.prompt import Prompt, split_slots
from appliance.prompts.slots import label_words
from appliance.task import Case, Task

DATA = -1
"""The owner of text that no literal of a prompt owns."""


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of text and the number of the literal that owns it (``DATA`` for none)."""

    text: str
    owner: int = DATA


def fill(parts: Sequence[tuple[str, str]], number: int, filled: Mapping[str, str]) -> list[Piece]:
    """The pieces of a template with its slots filled. ``number`` is that of the first literal, or
    ``DATA`` where literals are not to be edited."""
    pieces = []
    for offset, (literal, slot) in enumerate(parts):
        if literal:
            pieces.append(Piece(literal, DATA if number == DATA else number + offset))
        # A word in braces is called as it is written.
        if text := slot if slot.startswith("{") else slot and filled[slot]:
            pieces.append(Piece(text))
    return pieces


def section_pieces(prompt: Prompt, task: Task, case: Case) -> list[Piece]:
    """The sections of a prompt as a case has its labels; their literals are numbered from 0."""
    number = 0
    pieces: list[Piece] = []
    listed = prompt.join.join(label_words(prompt, task, case.labels))
    for section in prompt.sections:
        defined = "\n".join(
            f"{word}: {task.description_of(label)}"
            for label, word in (
                zip(case.labels, label_words(prompt, task, case.labels), strict=True)
                if "{definitions}" in section.text
                else ()
            )
        )
        parts = split_slots(section.text)
        pieces += fill(parts, number, {"labels": listed, "definitions": defined})
        number += len(parts)
    return pieces


def first_of_example(prompt: Prompt) -> int:
    """The number of the example's first literal."""
    return sum(len(split_slots(section.text)) for section in prompt.sections)
