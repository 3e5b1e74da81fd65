"""Prompt and case to text whose every byte is owned by a literal of the prompt or is data.

Slots are filled by structure, never by replacing in text, so that a row which contains ``{label}``
or a chat template's specials stays data.
"""

from __future__ import annotations

import msgspec

from appliance.prompt import Order, Prompt, Wording, split_slots
from appliance.task import Case, Example, Task

DATA = -1
CONTENT_FREE = "N/A"


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of text and the number of the literal that owns it (``DATA`` for none)."""

    text: str
    owner: int = DATA


class Literal(msgspec.Struct, frozen=True):
    """A literal of a prompt: the ``index``-th stretch between slots of a section or the example."""

    where: str
    index: int
    text: str


class Rendering(msgspec.Struct, frozen=True):
    """One case as text. ``answers[y]`` is label y followed by the separator; ``free`` is the query
    with no content in any slot."""

    prefix: tuple[Piece, ...]
    query: tuple[Piece, ...]
    free: tuple[Piece, ...]
    answers: tuple[tuple[Piece, ...], ...]


def literals(prompt: Prompt) -> tuple[Literal, ...]:
    """All literals in the order of their numbers: the sections' first, then the example's."""
    found = []
    for section in prompt.sections:
        for index, (text, _) in enumerate(split_slots(section.text)):
            found.append(Literal(section.name, index, text))
    for index, (text, _) in enumerate(split_slots(prompt.example)):
        found.append(Literal("example", index, text))
    return tuple(found)


def replace_literal(prompt: Prompt, number: int, text: str) -> Prompt:
    """The prompt with one literal's text replaced. Raises PromptError if nothing valid is left."""
    literal = literals(prompt)[number]
    template = prompt.example if literal.where == "example" else prompt.section(literal.where)
    parts = [
        (text if index == literal.index else part) + (f"{{{slot}}}" if slot else "")
        for index, (part, slot) in enumerate(split_slots(template))
    ]
    joined = "".join(parts)
    if literal.where == "example":
        return msgspec.structs.replace(prompt, example=joined)
    return prompt.with_section(literal.where, joined)


def render(prompt: Prompt, task: Task, case: Case, shots: tuple[Example, ...]) -> Rendering:
    """``shots`` are the rows behind ``prompt.shots``; an episode's own support comes after them."""
    number = 0
    prefix: list[Piece] = []
    listed = prompt.join.join(worded(prompt.wording, label) for label in case.labels)
    for section in prompt.sections:
        defined = "\n".join(
            f"{worded(prompt.wording, label)}: {task.description_of(label)}"
            for label in (case.labels if "{definitions}" in section.text else ())
        )
        values = {"labels": listed, "definitions": defined}
        parts = split_slots(section.text)
        prefix += _fill(parts, number, values)
        number += len(parts)
    parts = split_slots(prompt.example)
    for shot in ordered(prompt.order, (*shots, *case.support), case.labels):
        prefix += _fill(parts, number, _values(shot, worded(prompt.wording, shot.label)))
    cut = next(i for i, (_, slot) in enumerate(parts) if slot == "label")
    before = [*parts[:cut], (parts[cut][0], "")]
    after = [("", "label"), *parts[cut + 1 :]]
    nothing = dict.fromkeys(("text", "head", "tail"), CONTENT_FREE)
    return Rendering(
        prefix=tuple(prefix),
        query=tuple(_fill(before, number, _values(case.query, ""))),
        free=tuple(_fill(before, number, nothing)),
        answers=tuple(
            tuple(_fill(after, number + cut, {"label": worded(prompt.wording, label)}))
            for label in case.labels
        ),
    )


def worded(wording: Wording, label: str) -> str:
    """A label as the prompt writes it: a rule that any label can follow."""
    match wording:
        case "lower":
            return label.lower()
        case "upper":
            return label.upper()
        case "title":
            return label.title()
        case "snake":
            return "_".join(label.lower().split())
        case "quoted":
            return f'"{label}"'
        case _:
            return label


def ordered(
    order: Order, shots: tuple[Example, ...], labels: tuple[str, ...]
) -> tuple[Example, ...]:
    """Demonstrations in the prompt's order; ties keep the given one."""
    match order:
        case "reversed":
            return shots[::-1]
        case "label":
            return tuple(sorted(shots, key=lambda shot: labels.index(shot.label)))
        case "shortest":
            return tuple(sorted(shots, key=lambda shot: len(shot.text)))
        case "longest":
            return tuple(sorted(shots, key=lambda shot: -len(shot.text)))
        case _:
            return shots


def _values(example: Example, label: str) -> dict[str, str]:
    return {
        "text": example.text,
        "head": example.head_text,
        "tail": example.tail_text,
        "label": label,
    }


def _fill(parts: list[tuple[str, str]], number: int, values: dict[str, str]) -> list[Piece]:
    pieces = []
    for offset, (literal, slot) in enumerate(parts):
        if literal:
            pieces.append(Piece(literal, number + offset))
        if slot and values[slot]:
            pieces.append(Piece(values[slot]))
    return pieces
