"""The parts of a prompt that a method may rewrite: sections, sentences, literals.

What must not change survives by construction. A unit covers no slot, and no word that answers are
written with (a protected word); what takes its place may bring no slot of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from appliance.errors import PromptError
from appliance.prompts.prompt import SLOT, YES_NO, Prompt, split_slots
from appliance.prompts.slots import label_words
from appliance.task import Task

Grain = Literal["section", "sentence", "literal"]
EXAMPLE = "example"

_sentence = re.compile(r"[^\s](?:.*?[.!?](?=\s|$)|.*)", re.MULTILINE)


class Unit(msgspec.Struct, frozen=True):
    """The characters [start, end) of a template, a section's or the example's (``where``).

    In a section ``kept`` are its protected sentences and ``slots`` the slots outside of them; both
    follow what takes the unit's place. ``tail`` is the space at its end.
    """

    where: str
    start: int
    end: int
    text: str
    kept: str = ""
    slots: tuple[str, ...] = ()
    tail: str = ""


def units(prompt: Prompt, grain: Grain, protected: Collection[str] = ()) -> list[Unit]:
    """Every unit of a grain, in the order of the prompt; none that is empty. A whole section may be
    rewritten, the example only by its literals."""
    if grain == "section":
        found = (section_unit(prompt, s.name, protected) for s in prompt.sections)
        return [unit for unit in found if unit.text]
    divide = _sentences if grain == "sentence" else _free
    literals = (unit for where in _places(prompt) for unit in _literals(prompt, where))
    return [part for unit in literals for part in divide(unit, protected) if part.text]


def section_unit(prompt: Prompt, name: str, protected: Collection[str] = ()) -> Unit:
    """A section as a whole; it may be one that the prompt does not have yet."""
    template = prompt.section(name)
    body = template.rstrip()
    fixed: list[str] = []
    free: list[str] = []
    for at in _sentence.finditer(body):
        (fixed if _words_in(SLOT.sub("", at[0]), protected) else free).append(at[0])
    return Unit(
        name,
        0,
        len(template),
        " ".join(text for text in (SLOT.sub("", each).strip() for each in free) if text),
        "".join(f" {text}" for text in fixed),
        tuple(dict.fromkeys(_slots_in(" ".join(free)))),
        template[len(body) :] or "\n\n",
    )


def literal_unit(prompt: Prompt, number: int) -> Unit:
    """The literal of that number, counted as ``render.literals`` counts them."""
    every = [unit for where in _places(prompt) for unit in _literals(prompt, where)]
    return every[number]


def replace(prompt: Prompt, unit: Unit, text: str) -> Prompt:
    """The prompt with a unit rewritten. A section may be given its own slots within the text; those
    that it lacks follow it.

    Raises PromptError for a slot that the unit does not have, and where no valid prompt is left.
    """
    brought = set(_slots_in(text))
    if foreign := brought - set(unit.slots):
        raise PromptError(f"{min(foreign)} is a slot, and the rewritten {unit.where} has none such")
    slots = "".join(_after(slot) for slot in unit.slots if slot not in brought)
    template = prompt.example if unit.where == EXAMPLE else prompt.section(unit.where)
    changed = template[: unit.start] + text + unit.kept + slots + unit.tail + template[unit.end :]
    if unit.where == EXAMPLE:
        return msgspec.structs.replace(prompt, example=changed)
    return prompt.with_section(unit.where, changed)


def protected_words(task: Task, prompt: Prompt) -> set[str]:
    """The words that answers are written with, labels both as the prompt writes them and as they
    are: an instruction that names others would ask for what is not scored."""
    if prompt.form == "yesno":
        return set(prompt.words or YES_NO)
    if prompt.form == "written":
        return set()
    names = [label.name for label in task.labels]
    return {*label_words(prompt, task, names), *map(task.words_of, names)}


def occurrences(words: Collection[str], text: str) -> Iterator[tuple[int, int]]:
    """Where whole words stand in a text, in whatever case: [start, end) in characters."""
    for word in words:
        for found in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
            yield found.span()


def _places(prompt: Prompt) -> list[str]:
    return [*(section.name for section in prompt.sections), EXAMPLE]


def _literals(prompt: Prompt, where: str) -> Iterator[Unit]:
    """The stretches between the slots of a template, empty ones among them."""
    template = prompt.example if where == EXAMPLE else prompt.section(where)
    at = 0
    for text, slot in split_slots(template):
        yield Unit(where, at, at + len(text), text)
        at += len(text) + (len(slot) + 2 if slot else 0)


def _free(unit: Unit, protected: Collection[str]) -> Iterator[Unit]:
    """A literal divided at protected words. The characters beside these stay too, so that no word
    grows into them."""
    at = 0
    for start, end in sorted(occurrences(protected, unit.text)):
        if start - 1 > at:
            yield Unit(
                unit.where, unit.start + at, unit.start + start - 1, unit.text[at : start - 1]
            )
        at = min(max(at, end + 1), len(unit.text))
    yield Unit(unit.where, unit.start + at, unit.end, unit.text[at:])


def _sentences(unit: Unit, protected: Collection[str]) -> Iterator[Unit]:
    """The sentences of a literal that hold no protected word."""
    for at in _sentence.finditer(unit.text):
        if not _words_in(at[0], protected):
            yield Unit(unit.where, unit.start + at.start(), unit.start + at.end(), at[0])


def _words_in(text: str, words: Collection[str]) -> bool:
    return any(occurrences(words, text))


def _slots_in(text: str) -> list[str]:
    return [found[0] for found in SLOT.finditer(text)]


def _after(slot: str) -> str:
    """A slot behind an instruction: definitions are lines of their own."""
    return f"\n\n{slot}" if slot == "{definitions}" else f" {slot}"
