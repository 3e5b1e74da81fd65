"""Which words of a text are said again, whatever their case, punctuation and script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from appliance.scoring.reading import is_unspaced

WORDS = 5
"""As many of a text's words in a row are no accident; a text that is shorter counts whole."""

SHORTEST = 4
"""Characters of a text that counts whole in whatever case; of fewer see ``Said.of``."""

_plain = re.compile(r"[^\W_]+")


class Said:
    """Text to be searched, word by word; stretches do not reach from one part into the next."""

    def __init__(self, parts: Iterable[str]) -> None:
        cased = [_words(part) for part in parts]
        folded = [[word.casefold() for word in words] for words in cased]
        self.cased, self.folded = _joined(cased), _joined(folded)
        self.stretches = {
            tuple(words[start:end]) for words in folded for start, end in _stretches(words)
        }

    def of(self, text: str) -> str:
        """The longest stretch of the text's words that is said, if it is no accident; else empty.

        Of a script without spaces a character is a word: of Chinese and Japanese half a one, of
        others a quarter. A text of 2 or 3 characters is only said in its own case, and not at all
        where that is the lower one: IBM and Bob are said, and oil is not.
        """
        cased = _words(text)
        words = [word.casefold() for word in cased]
        if stretches := list(_stretches(words)):
            return _written(self._longest(words, stretches))
        whole = _written(words)
        if len(whole) >= SHORTEST:
            return whole if _joined([words]) in self.folded else ""
        short = _written(cased)
        named = len(short) > 1 and any(map(str.isalpha, short)) and not short.islower()
        return short if named and _joined([cased]) in self.cased else ""

    def _longest(self, words: Sequence[str], stretches: Iterable[tuple[int, int]]) -> Sequence[str]:
        best: Sequence[str] = ()
        for start, end in stretches:
            if tuple(words[start:end]) not in self.stretches:
                continue
            while end < len(words) and _joined([words[start : end + 1]]) in self.folded:
                end += 1
            best = max(best, words[start:end], key=len)
        return best


def _stretches(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """From each word on as few as weigh ``WORDS``; none where all together do not."""
    weights = [_quarters(word[0]) for word in words]
    end = weight = 0
    for start in range(len(words)):
        while weight < 4 * WORDS:
            if end == len(words):
                return
            weight += weights[end]
            end += 1
        yield start, end
        weight -= weights[start]


def _words(text: str) -> list[str]:
    if text.isascii():
        return _plain.findall(text)
    return "".join(map(_parted, unicodedata.normalize("NFKC", text))).split()


@cache
def _parted(character: str) -> str:
    """A vowel sign or an accent is part of its word; what cannot be seen is nothing."""
    category = unicodedata.category(character)
    if not (character.isalnum() or category[0] == "M"):
        return "" if category == "Cf" else " "
    return f" {character} " if is_unspaced(character) else character


@cache
def _quarters(first: str) -> int:
    """What a word weighs, by its first character."""
    if not is_unspaced(first):
        return 4
    return 2 if unicodedata.east_asian_width(first) == "W" else 1


def _joined(parts: Iterable[Sequence[str]]) -> str:
    return f" {' | '.join(' '.join(words) for words in parts)} "


def _written(words: Sequence[str]) -> str:
    """As a person writes them."""
    told = ""
    for word in words:
        close = not told or (is_unspaced(told[-1]) and is_unspaced(word[0]))
        told += word if close else f" {word}"
    return told
