"""What a prompt says of rows that may not leave the machine."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from appliance.prompt import Prompt
from appliance.render import literals
from appliance.task import Example

WORDS = 5
"""As many of a row's words in a row are no accident; a row that is shorter counts whole."""

SHORTEST_ENTITY = 4
"""Characters."""

_word = re.compile(r"\w+")

What = Literal["demonstration", "text", "entity"]


class Leak(msgspec.Struct, frozen=True):
    """The prompt shows the row as a demonstration, or has ``words`` of its text or its entity."""

    row: str
    what: What
    words: str


def leaks(prompt: Prompt, rows: Iterable[Example]) -> list[Leak]:
    """Every private row of which the prompt's literals hold something, with the longest of it.

    Case, punctuation and Unicode variants do not hide a word; what is said in other words is not
    found.
    """
    said = _words(" ".join(literal.text for literal in literals(prompt)))
    runs = {tuple(said[i : i + n]) for n in range(1, WORDS + 1) for i in range(len(said) - n + 1)}
    text = f" {' '.join(said)} "
    found = []
    for row in rows:
        if row.may_ship:
            continue
        if row.id in prompt.shots:
            found.append(Leak(row.id, "demonstration", row.text))
        elif stretch := _longest(_words(row.text), runs, text):
            found.append(Leak(row.id, "text", stretch))
        elif entity := _named(row, text):
            found.append(Leak(row.id, "entity", entity))
    return found


def _longest(words: Sequence[str], runs: set[tuple[str, ...]], text: str) -> str:
    """The longest stretch of the words that the text has, if it is no accident."""
    least = min(WORDS, len(words))
    best: Sequence[str] = ()
    for start in range(len(words) - least + 1):
        end = start + least
        if tuple(words[start:end]) not in runs:
            continue
        while end < len(words) and f" {' '.join(words[start : end + 1])} " in text:
            end += 1
        best = max(best, words[start:end], key=len)
    return " ".join(best)


def _named(row: Example, text: str) -> str:
    for entity in (row.head_text, row.tail_text):
        words = " ".join(_words(entity))
        if len(words) >= SHORTEST_ENTITY and f" {words} " in text:
            return words
    return ""


def _words(text: str) -> list[str]:
    return _word.findall(unicodedata.normalize("NFKC", text).casefold())
