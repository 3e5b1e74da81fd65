"""Prompt and case to text whose every byte is owned by a literal of the prompt or is data.

Slots are filled by structure, never by replacing in text, so that a row which contains ``{label}``
or a chat template's specials stays data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from appliance.prompts.prompt import (
    CONTENT_SLOTS,
    YES_NO,
    Order,
    Prompt,
    split_slots,
)
from appliance.prompts.slots import (
    about,
    label_words,
    marked,
    values,
)
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
    """One question as text: what comes before it, itself, itself with no content in any slot (empty
    where nothing is calibrated by it), and every answer with the separator that ends it."""

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


def render(
    prompt: Prompt, task: Task, case: Case, shots: Sequence[Example], reasoning: str = ""
) -> tuple[Rendering, ...]:
    """The questions of a case: one, or under a yes/no prompt one for each label that is asked.

    ``shots`` are the rows behind ``prompt.shots``; an episode's own support comes after them. A
    written prompt's answers are the case's choices, else the right answer alone; ``reasoning`` is
    what the model wrote before it.
    """
    if prompt.form == "yesno":
        return tuple(_asked(prompt, task, case, shots, label) for label in asked(task, case))
    prefix = _sections(prompt, task, case)
    start = _first_of_example(prompt)
    for shot in ordered(prompt.order, shown(prompt, shots, case), case.labels):
        prefix += _fill(split_slots(prompt.example), start, values(prompt, task, shot))
    query = values(prompt, task, case.query) | {"reasoning": reasoning}
    if prompt.form == "choice":
        return (_question(prompt, prefix, query, label_words(prompt, task, case.labels)),)
    if task.match == "choice":
        return (_question(prompt, prefix, query, case.query.choices),)
    return (replace(_question(prompt, prefix, query, (query["answer"],)), free=()),)


def opening(prompt: Prompt, task: Task, case: Case, shots: Sequence[Example]) -> str:
    """What a model continues that writes its reasoning or its answer: the text up to there."""
    [rendering] = render(prompt, task, case, shots)
    text = "".join(piece.text for piece in (*rendering.prefix, *rendering.query))
    # Without reasoning yet, the query ends with the extractor.
    return text.removesuffix(prompt.extractor)


def reverse(
    prompt: Prompt, task: Task, case: Case, shots: Sequence[Example]
) -> tuple[Rendering, ...]:
    """The channel: under each label the row, which is what is read (noisy channel prompting, Min et
    al., ACL 2022). Its literals are not edited."""
    parts = split_slots(prompt.reverse)
    prefix = _sections(prompt, task, case)
    for shot in ordered(prompt.order, (*shots, *case.support), case.labels):
        prefix += _fill(parts, DATA, values(prompt, task, shot))
    cut = next(i for i, (_, slot) in enumerate(parts) if slot == "label") + 1
    before, after = [*parts[:cut], (parts[cut][0], "")], [("", parts[cut][1]), *parts[cut + 1 :]]
    query = values(prompt, task, case.query)
    return tuple(
        Rendering(
            prefix=tuple(prefix),
            query=tuple(_fill(before, DATA, {"label": word})),
            free=(),
            answers=(tuple(_fill(after, DATA, query)),),
        )
        for word in label_words(prompt, task, case.labels)
    )


def asked(task: Task, case: Case) -> tuple[str, ...]:
    """The labels that yes/no questions of a case are about: all but none of the above."""
    return tuple(label for label in case.labels if label != task.none)


def holds(label: str, row: Example) -> bool:
    """Whether a label is a row's, or one of a row's."""
    return label == row.label or label in row.labels


def _asked(
    prompt: Prompt, task: Task, case: Case, shots: Sequence[Example], label: str
) -> Rendering:
    """The question whether one label holds. Rows of the prompt are shown with their own label and
    with another one in turn, whatever the question is about, so that all questions share them; an
    episode's support is shown with the label in question, or stands in ``{support}``."""
    words = prompt.words or YES_NO
    parts, start = split_slots(prompt.example), _first_of_example(prompt)
    prefix = _sections(prompt, task, case)
    names = asked(task, case)
    own = [row for row in case.support if holds(label, row)]
    support = "\n".join(marked(prompt, row) for row in own)
    shows = [(row, _shown_with(row, at, names)) for at, row in enumerate(shots)]
    if "support" not in prompt.slots:
        rows = ordered(prompt.order, tuple(case.support), case.labels)
        shows += [(row, label) for row in rows]
    for row, shown_label in shows:
        answer = words[0] if holds(shown_label, row) else words[1]
        filled = values(prompt, task, row) | about(prompt, task, shown_label) | {"answer": answer}
        prefix += _fill(parts, start, filled)
    query = values(prompt, task, case.query) | about(prompt, task, label) | {"support": support}
    return _question(prompt, prefix, query, words)


def _shown_with(row: Example, at: int, names: Sequence[str]) -> str:
    """Its own label, or at every other place the one after it."""
    own = next((i for i, name in enumerate(names) if holds(name, row)), None)
    if own is None:
        return names[at % len(names)]
    return names[(own + at % 2) % len(names)]


def _question(
    prompt: Prompt, prefix: Sequence[Piece], query: Mapping[str, str], answers: Sequence[str]
) -> Rendering:
    parts, start = split_slots(prompt.example), _first_of_example(prompt)
    cut = next(i for i, (_, slot) in enumerate(parts) if slot == prompt.target)
    before = [*parts[:cut], (parts[cut][0], "")]
    after = [("", prompt.target), *parts[cut + 1 :]]
    nothing = dict(query) | dict.fromkeys(CONTENT_SLOTS | {"reasoning"}, CONTENT_FREE)
    return Rendering(
        prefix=tuple(prefix),
        query=tuple(_fill(before, start, query)),
        free=tuple(_fill(before, start, nothing)),
        answers=tuple(tuple(_fill(after, start + cut, {prompt.target: a})) for a in answers),
    )


def _sections(prompt: Prompt, task: Task, case: Case) -> list[Piece]:
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
        pieces += _fill(parts, number, {"labels": listed, "definitions": defined})
        number += len(parts)
    return pieces


def _first_of_example(prompt: Prompt) -> int:
    """The number of the example's first literal."""
    return sum(len(split_slots(section.text)) for section in prompt.sections)


def shown(prompt: Prompt, shots: Sequence[Example], case: Case) -> tuple[Example, ...]:
    """Rows that stand as demonstrations: under a prompt that asks for reasoning those that have
    some, since an empty one would teach to write none."""
    rows = (*shots, *case.support)
    return tuple(r for r in rows if r.reasoning) if "reasoning" in prompt.slots else rows


def ordered(
    order: Order, shots: tuple[Example, ...], labels: tuple[str, ...]
) -> tuple[Example, ...]:
    """Demonstrations in the prompt's order; ties keep the given one. Labels that are not the case's
    come last."""
    match order:
        case "reversed":
            return shots[::-1]
        case "label":
            places = {label: place for place, label in enumerate(labels)}
            return tuple(sorted(shots, key=lambda shot: places.get(shot.label, len(labels))))
        case "shortest":
            return tuple(sorted(shots, key=lambda shot: len(shot.text)))
        case "longest":
            return tuple(sorted(shots, key=lambda shot: -len(shot.text)))
        case _:
            return shots


def _fill(parts: Sequence[tuple[str, str]], number: int, filled: Mapping[str, str]) -> list[Piece]:
    """``number`` is that of the first literal; ``DATA`` where literals are not to be edited."""
    pieces = []
    for offset, (literal, slot) in enumerate(parts):
        if literal:
            pieces.append(Piece(literal, DATA if number == DATA else number + offset))
        if slot and filled[slot]:
            pieces.append(Piece(filled[slot]))
    return pieces
