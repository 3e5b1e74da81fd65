"""The leak check: what a prompt, its labels and its golden rows repeat of private rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import Literal

import msgspec

from appliance.prompts.prompt import Prompt
from appliance.prompts.render import literals
from appliance.task import Example, Label
from appliance.verdict.quotations import SHORTEST, SearchedText

MOST_TEXTS = 3
"""An answer that more texts than this have is a label rather than a secret."""

LEAST_DIGITS = 6
"""An answer that is a number of fewer digits than this may be in a prompt by accident."""

What = Literal["demonstration", "golden", "text", "entity", "answer", "choice"]
Where = Literal["prompt", "labels", "golden rows"]

PRECEDENCE: tuple[What, ...] = ("choice", "answer", "entity", "text", "demonstration", "golden")
"""Where several things of a row are found in one place, the last of these is reported."""


class Leak(msgspec.Struct, frozen=True):
    """A private row that is a demonstration or a golden row; or ``words`` of its text, of an
    entity, of a right answer or of a choice that it offers, which stand in ``where``."""

    row: str
    what: What
    words: str
    where: Where = "prompt"


def leaks(
    prompt: Prompt, labels: Iterable[Label], rows: Iterable[Example], golden: Container[str] = ()
) -> list[Leak]:
    """Finds every private row of which something would leave the machine with the prompt, and
    reports the longest quotation of each.

    It searches the prompt's literals, the names and descriptions of the labels, and the ``golden``
    rows, which are given by id. Case, punctuation and Unicode variants do not hide a word; a
    paraphrase is not found. Answers, choices and short words without capitals are reported where no
    more than ``MOST_TEXTS`` of all rows' texts have them.
    """
    named = [text for label in labels for text in (label.name, label.description, label.words)]
    prompted = [*(literal.text for literal in literals(prompt)), prompt.reverse]
    places: tuple[tuple[Where, SearchedText], ...] = (
        ("prompt", SearchedText(prompted)),
        ("labels", SearchedText([*named, *prompt.words])),
    )
    found: list[list[Leak]] = []
    having: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for some in _found(row, prompt, places, golden):
            for leak in filter(_must_be_rare, some):
                if len(having[leak.words]) <= MOST_TEXTS:
                    having[leak.words].add(row.text)
            if some and not row.may_ship:
                found.append(some)
    secret = (
        [leak for leak in some if not _must_be_rare(leak) or len(having[leak.words]) <= MOST_TEXTS]
        for some in found
    )
    return [max(some, key=_precedence) for some in secret if some]


def _found(
    row: Example,
    prompt: Prompt,
    places: Iterable[tuple[Where, SearchedText]],
    golden: Container[str],
) -> Iterator[list[Leak]]:
    """Yields what is found of a row, place by place."""
    if row.id in golden:
        yield [Leak(row.id, "golden", row.text, "golden rows")]
    if row.id in prompt.shots:
        yield [Leak(row.id, "demonstration", row.text)]
        return
    for where, searched in places:
        yield [
            Leak(row.id, what, words, where)
            for what, text in _pieces(row)
            if (words := searched.quote_of(text))
        ]


def _pieces(row: Example) -> Iterator[tuple[What, str]]:
    """Yields what is searched for. A row that may ship yields its entities, answers and choices
    alone, which serve to count the texts that have them."""
    if not row.may_ship:
        yield from (("text", text) for text in (row.text, row.question, row.reasoning))
    for entity in (row.head_text, row.tail_text, *(row.text[a:b] for a, b, _ in row.spans)):
        yield "entity", entity
    yield from (("answer", answer) for answer in row.answers if _is_specific(answer))
    yield from (("choice", choice) for choice in row.choices if _is_specific(choice))


def _is_specific(answer: str) -> bool:
    return any(map(str.isalpha, answer)) or sum(map(str.isdigit, answer)) >= LEAST_DIGITS


def _must_be_rare(leak: Leak) -> bool:
    """Whether a leak is reported only where few texts have its words."""
    if leak.what in ("answer", "choice"):
        return True
    short = leak.what in ("text", "entity") and len(leak.words) < SHORTEST
    return short and not any(map(str.isupper, leak.words))


def _precedence(leak: Leak) -> tuple[int, int]:
    return PRECEDENCE.index(leak.what), len(leak.words)
