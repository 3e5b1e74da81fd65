"""Exact match and token F1 of SQuAD (Rajpurkar et al., EMNLP 2016), for text in any script."""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

ARTICLES = frozenset({"a", "an", "the"})
UNSPACED = frozenset(
    {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO"}
    | {"THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
)
"""The scripts that set no space between words, by the first word of their characters' Unicode
names."""


def exact_match(predicted: str, gold: Sequence[str]) -> bool:
    """Whether the tokens are those of one of the right answers."""
    found = tokens(predicted)
    return any(tokens(answer) == found for answer in gold)


def token_f1(predicted: str, gold: Sequence[str]) -> float:
    """The F1 of the tokens, each counted as often as it occurs, against the right answer that gives
    the best one."""
    found = tokens(predicted)
    return max((_f1(found, tokens(answer)) for answer in gold), default=0.0)


def tokens(text: str) -> list[str]:
    """Words in lower case, without punctuation and articles.

    As CMRC 2018 and MLQA have it, every character of a script without spaces is a token, and what
    stands between such characters is split at white space; such text has no articles. An answer
    that is nothing but articles or punctuation stays as it is.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in folded if not _is_punctuation(c))
    if any(map(is_unspaced, kept)):
        return "".join(f" {c} " if is_unspaced(c) else c for c in kept).split()
    words = kept.split() or folded.split()
    return [word for word in words if word not in ARTICLES] or words


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that sets no space between words."""
    return unicodedata.name(character, "").partition(" ")[0] in UNSPACED


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character)[0] == "P"


def _f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    shared = (Counter(predicted) & Counter(gold)).total()
    return 2 * shared / (len(predicted) + len(gold))
