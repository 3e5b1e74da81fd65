"""What a prompt, its labels and its golden rows say of rows that may not leave the machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import Literal

import msgspec

from appliance.prompts.prompt import Prompt
from appliance.prompts.render import literals
from appliance.task import Example, Label
from appliance.verdict.quotes import SHORTEST, Said

SHARED = 3
"""Texts that may have an answer; what more of them have is a label rather than a secret."""

NUMBER = 6
"""Digits from which on an answer that is a number is no accident."""

What = Literal["demonstration", "golden", "text", "entity", "answer", "choice"]
Where = Literal["prompt", "labels", "golden rows"]

TELLING: tuple[What, ...] = ("choice", "answer", "entity", "text", "demonstration", "golden")
"""Of what is found of a row in one place the last of these is told."""


class Leak(msgspec.Struct, frozen=True):
    """A private row is shown as a demonstration or kept as a golden row; or ``where`` has ``words``
    of its text, its entity, its right answer or a choice that it offers."""

    row: str
    what: What
    words: str
    where: Where = "prompt"


def leaks(
    prompt: Prompt, labels: Iterable[Label], rows: Iterable[Example], golden: Container[str] = ()
) -> list[Leak]:
    """Every private row of which something would leave with the prompt: in its literals, in what
    labels are called and said to mean, or as one of the ``golden`` rows, given by id. With the
    longest of it.

    Case, punctuation and Unicode variants do not hide a word; what is said in other words is not
    found. Answers, choices and short words without capitals are told where no more than ``SHARED``
    of all rows' texts have them.
    """
    named = [text for label in labels for text in (label.name, label.description, label.words)]
    places: tuple[tuple[Where, Said], ...] = (
        ("prompt", Said([literal.text for literal in literals(prompt)] + [prompt.reverse])),
        ("labels", Said([*named, *prompt.words])),
    )
    found: list[list[Leak]] = []
    having: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for some in _of(row, prompt, places, golden):
            for leak in filter(_may_be_shared, some):
                if len(having[leak.words]) <= SHARED:
                    having[leak.words].add(row.text)
            if some and not row.may_ship:
                found.append(some)
    secret = (
        [leak for leak in some if not _may_be_shared(leak) or len(having[leak.words]) <= SHARED]
        for some in found
    )
    return [max(some, key=_telling) for some in secret if some]


def _of(
    row: Example,
    prompt: Prompt,
    places: Iterable[tuple[Where, Said]],
    golden: Container[str],
) -> Iterator[list[Leak]]:
    """What is found of a row, place by place."""
    if row.id in golden:
        yield [Leak(row.id, "golden", row.text, "golden rows")]
    if row.id in prompt.shots:
        yield [Leak(row.id, "demonstration", row.text)]
        return
    for where, said in places:
        yield [
            Leak(row.id, what, words, where)
            for what, text in _pieces(row)
            if (words := said.of(text))
        ]


def _pieces(row: Example) -> Iterator[tuple[What, str]]:
    """Of a row that may ship only what others may share."""
    if not row.may_ship:
        yield from (("text", text) for text in (row.text, row.question, row.reasoning))
    for entity in (row.head_text, row.tail_text, *(row.text[a:b] for a, b, _ in row.spans)):
        yield "entity", entity
    yield from (("answer", answer) for answer in row.answers if _is_specific(answer))
    yield from (("choice", choice) for choice in row.choices if _is_specific(choice))


def _is_specific(answer: str) -> bool:
    return any(map(str.isalpha, answer)) or sum(map(str.isdigit, answer)) >= NUMBER


def _may_be_shared(leak: Leak) -> bool:
    if leak.what in ("answer", "choice"):
        return True
    short = leak.what in ("text", "entity") and len(leak.words) < SHORTEST
    return short and not any(map(str.isupper, leak.words))


def _telling(leak: Leak) -> tuple[int, int]:
    return TELLING.index(leak.what), len(leak.words)
