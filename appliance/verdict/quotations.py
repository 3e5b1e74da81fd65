"""Finding quotations: words of a text that stand in another one, whatever their case,
punctuation and script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from appliance.scoring.reading import is_unspaced

WORDS = 5
"""A quotation has at least this many words in a row; a shorter text has to be quoted whole."""

SHORTEST = 4
"""A text that is quoted whole counts in any case from this many characters on; for fewer see
``SearchedText.quote_of``."""

_plain = re.compile(r"[^\W_]+")


class SearchedText:
    """Text that is searched word by word; no quotation reaches from one part into the next."""

    def __init__(self, parts: Iterable[str]) -> None:
        cased = [_words(part) for part in parts]
        folded = [[word.casefold() for word in words] for words in cased]
        self.cased, self.folded = _joined(cased), _joined(folded)
        self.stretches = {
            tuple(words[start:end]) for words in folded for start, end in _stretches(words)
        }

    def quote_of(self, text: str) -> str:
        """Returns the longest stretch of the text's words that is quoted here; else "".

        In a script without spaces a character counts as a part of a word: half a word in Chinese
        and Japanese, a quarter in others. A text of 2 or 3 characters is found in its own case
        alone, and not at all where it is in lower case: IBM and Bob are found, oil is not.
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
    """Yields from each word on the shortest stretch that weighs ``WORDS``, while there is one."""
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
    """Returns the character so that words part at spaces. A vowel sign or an accent is part of its
    word, and an invisible character is dropped."""
    category = unicodedata.category(character)
    if not (character.isalnum() or category[0] == "M"):
        return "" if category == "Cf" else " "
    return f" {character} " if is_unspaced(character) else character


@cache
def _quarters(first: str) -> int:
    """The weight of a word in quarters, by its first character."""
    if not is_unspaced(first):
        return 4
    return 2 if unicodedata.east_asian_width(first) == "W" else 1


def _joined(parts: Iterable[Sequence[str]]) -> str:
    return f" {' | '.join(' '.join(words) for words in parts)} "


def _written(words: Sequence[str]) -> str:
    """Joins words as a person writes them."""
    text = ""
    for word in words:
        close = not text or (is_unspaced(text[-1]) and is_unspaced(word[0]))
        text += word if close else f" {word}"
    return text
