"""Prompt and case to text whose every byte is owned by a literal of the prompt or is data.

Slots are filled by structure, never by replacing in text, so that a row which contains ``{label}``
or a chat template's specials stays data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from appliance.prompts.demonstrations import ordered, shown
from appliance.prompts.pieces import DATA, Piece, fill, first_of_example, section_pieces
from appliance.prompts.prompt import CONTENT_SLOTS, YES_NO, Prompt, split_slots
from appliance.prompts.slots import about, label_words, marked, option_words, values
from appliance.task import Case, Example, Task

CONTENT_FREE = "N/A"
"""What stands in every content slot of a question without content (Zhao et al., ICML 2021)."""


class Literal(msgspec.Struct, frozen=True):
    """A literal of a prompt: the ``index``-th stretch between slots of a section or the example."""

    where: str
    index: int
    text: str


class Rendering(msgspec.Struct, frozen=True):
    """One question as text.

    ``prefix`` is what comes before it, ``query`` the question itself, and ``free`` the question
    with no content in any slot, empty where nothing is calibrated by it. ``answers`` holds every
    answer with the separator that ends it.
    """

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
    prefix = section_pieces(prompt, task, case)
    start = first_of_example(prompt)
    for shot in ordered(prompt.order, shown(prompt, shots, case), case.labels):
        prefix += fill(split_slots(prompt.example), start, values(prompt, task, shot))
    query = values(prompt, task, case.query) | {"reasoning": reasoning}
    if prompt.form == "choice":
        return (_question(prompt, prefix, query, label_words(prompt, task, case.labels)),)
    if task.match == "choice":
        return (_question(prompt, prefix, query, option_words(prompt, case.query)),)
    return (replace(_question(prompt, prefix, query, (query["answer"],)), free=()),)


def opening(prompt: Prompt, task: Task, case: Case, shots: Sequence[Example]) -> str:
    """The text that a model continues with its reasoning, or with its answer where the prompt asks
    for no reasoning."""
    [rendering] = render(prompt, task, case, shots)
    text = "".join(piece.text for piece in (*rendering.prefix, *rendering.query))
    # Without reasoning yet, the query ends with the extractor.
    return text.removesuffix(prompt.extractor)


def reverse(
    prompt: Prompt, task: Task, case: Case, shots: Sequence[Example]
) -> tuple[Rendering, ...]:
    """The channel, one rendering a label: the row is read under the label (noisy channel prompting,
    Min et al., ACL 2022). The literals of the channel's template are not edited."""
    parts = split_slots(prompt.reverse)
    prefix = section_pieces(prompt, task, case)
    for shot in ordered(prompt.order, (*shots, *case.support), case.labels):
        prefix += fill(parts, DATA, values(prompt, task, shot))
    cut = next(i for i, (_, slot) in enumerate(parts) if slot == "label") + 1
    before, after = [*parts[:cut], (parts[cut][0], "")], [("", parts[cut][1]), *parts[cut + 1 :]]
    query = values(prompt, task, case.query)
    return tuple(
        Rendering(
            prefix=tuple(prefix),
            query=tuple(fill(before, DATA, {"label": word})),
            free=(),
            answers=(tuple(fill(after, DATA, query)),),
        )
        for word in label_words(prompt, task, case.labels)
    )


def asked(task: Task, case: Case) -> tuple[str, ...]:
    """The labels that yes/no questions of a case are about: all but none of the above."""
    return tuple(label for label in case.labels if label != task.none)


def holds(label: str, row: Example) -> bool:
    """Whether a label is a row's, or one of its labels."""
    return label == row.label or label in row.labels


def _asked(
    prompt: Prompt, task: Task, case: Case, shots: Sequence[Example], label: str
) -> Rendering:
    """The question whether one label holds. Rows of the prompt are shown with their own label and
    with another one in turn, whatever the question is about, so that all questions share them; an
    episode's support is shown with the label in question, or stands in ``{support}``."""
    words = prompt.words or YES_NO
    parts, start = split_slots(prompt.example), first_of_example(prompt)
    prefix = section_pieces(prompt, task, case)
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
        prefix += fill(parts, start, filled)
    query = values(prompt, task, case.query) | about(prompt, task, label) | {"support": support}
    return _question(prompt, prefix, query, words)


def _shown_with(row: Example, at: int, names: Sequence[str]) -> str:
    """The label that a row is shown with: its own, or at every other place the one after it."""
    own = next((i for i, name in enumerate(names) if holds(name, row)), None)
    if own is None:
        return names[at % len(names)]
    return names[(own + at % 2) % len(names)]


def _question(
    prompt: Prompt, prefix: Sequence[Piece], query: Mapping[str, str], answers: Sequence[str]
) -> Rendering:
    parts, start = split_slots(prompt.example), first_of_example(prompt)
    cut = next(i for i, (_, slot) in enumerate(parts) if slot == prompt.target)
    before = [*parts[:cut], (parts[cut][0], "")]
    after = [("", prompt.target), *parts[cut + 1 :]]
    nothing = dict(query) | dict.fromkeys(CONTENT_SLOTS | {"reasoning"}, CONTENT_FREE)
    return Rendering(
        prefix=tuple(prefix),
        query=tuple(fill(before, start, query)),
        free=tuple(fill(before, start, nothing)),
        answers=tuple(tuple(fill(after, start + cut, {prompt.target: a})) for a in answers),
    )
