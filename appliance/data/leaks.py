"""What a prompt, its labels and its golden rows say of rows that may not leave the machine."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from appliance.prompt import Prompt
from appliance.render import literals
from appliance.task import Example, Label

WORDS = 5
"""As many of a row's words in a row are no accident; a row that is shorter counts whole."""

SHORTEST_ENTITY = 4
"""Characters."""

_word = re.compile(r"\w+")

What = Literal["demonstration", "golden", "text", "entity"]
Where = Literal["prompt", "labels", "golden rows"]


class Leak(msgspec.Struct, frozen=True):
    """A private row is shown as a demonstration or kept as a golden row; or ``where`` has ``words``
    of its text or its entity."""

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
    found.
    """
    named = [text for label in labels for text in (label.name, label.description, label.words)]
    places: tuple[tuple[Where, _Said], ...] = (
        ("prompt", _Said([literal.text for literal in literals(prompt)] + [prompt.reverse])),
        ("labels", _Said([*named, *prompt.words])),
    )
    return [leak for row in rows if not row.may_ship for leak in _of(row, prompt, places, golden)]


def _of(
    row: Example,
    prompt: Prompt,
    places: Iterable[tuple[Where, _Said]],
    golden: Container[str],
) -> Iterator[Leak]:
    if row.id in golden:
        yield Leak(row.id, "golden", row.text, "golden rows")
    if row.id in prompt.shots:
        yield Leak(row.id, "demonstration", row.text)
        return
    for where, said in places:
        if stretch := max((said.longest(text) for text in _texts(row)), key=len):
            yield Leak(row.id, "text", stretch, where)
        elif entity := next(filter(None, map(said.named, _entities(row))), ""):
            yield Leak(row.id, "entity", entity, where)


def _texts(row: Example) -> list[str]:
    return [row.text, row.question, row.reasoning]


def _entities(row: Example) -> list[str]:
    return [row.head_text, row.tail_text, *(row.text[start:end] for start, end, _ in row.spans)]


class _Said:
    """Text to be searched, word by word; stretches do not reach from one part into the next."""

    def __init__(self, parts: Iterable[str]) -> None:
        each = [_words(part) for part in parts]
        self.text = f" {' | '.join(' '.join(words) for words in each)} "
        self.runs = {
            tuple(words[i : i + n])
            for words in each
            for n in range(1, WORDS + 1)
            for i in range(len(words) - n + 1)
        }

    def longest(self, text: str) -> str:
        """The longest stretch of the text's words that is said, if it is no accident."""
        words = _words(text)
        least = min(WORDS, len(words))
        best: Sequence[str] = ()
        for start in range(len(words) - least + 1):
            end = start + least
            if tuple(words[start:end]) not in self.runs:
                continue
            while end < len(words) and f" {' '.join(words[start : end + 1])} " in self.text:
                end += 1
            best = max(best, words[start:end], key=len)
        return " ".join(best)

    def named(self, entity: str) -> str:
        words = " ".join(_words(entity))
        return words if len(words) >= SHORTEST_ENTITY and f" {words} " in self.text else ""


def _words(text: str) -> list[str]:
    return _word.findall(unicodedata.normalize("NFKC", text).casefold())
