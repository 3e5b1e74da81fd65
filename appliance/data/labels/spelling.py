"""Compares how labels are spelt: which read the same, and which may be one label spelt twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeVar

from appliance.task import Label
from appliance.text import is_invisible

T = TypeVar("T")

SHOWN = 8
"""The most code points of one side that a message shows."""

_joint = re.compile(r"(?<=\w)[\s_./'’–—-]+(?=[^\W\d_])|(?<=[^\W\d])[\s_./'’–—-](?=\d)|\.$")
"""What may stand between words or be left out: a hyphen, a space or a full stop, but neither a sign
before a number nor what divides its digits."""

_whole = re.compile(r"([-+]?\d+)\.0+")


def folded(label: str) -> str:
    """The label without case and Unicode variants (NFKC), a run of white space as one space.

    Labels whose folded forms are equal read the same. Signs and punctuation count.
    """
    once = unicodedata.normalize("NFKC", label).casefold()
    return " ".join(unicodedata.normalize("NFKC", once).split())


def read_the_same(labels: Iterable[Label]) -> list[tuple[Label, Label]]:
    """Pairs of labels that a reader, or a model, could not tell apart as prompts write them."""
    ordered = sorted(labels, key=lambda label: label.name)
    alike = _alike(ordered, lambda label: folded(label.words or label.name))
    return [pair for group in alike for pair in pairwise(group)]


def variants(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that may be one, spelt in several ways.

    They differ in how their words are joined, as "Part of" and "part-of", in characters without a
    width, or in how a whole number is written, as 1 and 1.0.
    """
    return _alike(names, _without_joints)


def differing(one: str, other: str) -> str:
    """The code points in which two labels differ, for a message; empty if it is only in case."""
    if one.casefold() == other.casefold():
        return ""
    last = min(len(one), len(other)) - 1
    start = min(last, _shared(one, other))
    rest = [one[start:], other[start:]]
    end = _shared(*(text[:0:-1] for text in rest))
    return f" ({' against '.join(_code_points(text[: len(text) - end]) for text in rest)})"


def _alike(items: Iterable[T], key: Callable[[T], str]) -> list[list[T]]:
    """Groups of two items or more that have the same key."""
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return [group for group in groups.values() if len(group) > 1]


def _without_joints(label: str) -> str:
    plain = "".join(c for c in folded(label) if c == " " or not is_invisible(c))
    return _whole.sub(r"\1", plain) if _whole.fullmatch(plain) else _joint.sub("", plain)


def _shared(one: str, other: str) -> int:
    """The number of characters with which both begin."""
    differ = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def _code_points(text: str) -> str:
    points = [f"U+{ord(character):04X}" for character in text[:SHOWN]]
    return " ".join([*points, *(["..."] if len(text) > SHOWN else [])])
