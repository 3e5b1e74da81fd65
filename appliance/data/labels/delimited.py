"""Finds labels that look like several labels in one string, and what divides them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

DELIMITERS = (";", "|", ",", "#", "/")


def delimiter_of(names: Iterable[str]) -> str | None:
    """What seems to divide several labels that stand in one name, if any.

    It does where most names that hold it are combinations: each of their parts is a name, or a part
    of another one. So "billing, urgent" is a combination beside "urgent", and "Arts, Crafts" alone
    is not.
    """
    every = set(names)
    combined = {mark: _combinations(every, mark) for mark in DELIMITERS}
    best = max(combined, key=lambda mark: len(combined[mark]))
    return best if 2 * len(combined[best]) > sum(best in name for name in every) else None


def _combinations(names: set[str], mark: str) -> list[str]:
    divided = {name: _parts(name, mark) for name in names}
    known = Counter(part for parts in divided.values() for part in parts)
    return [
        name
        for name, parts in divided.items()
        if len(parts) > 1 and all(known[part] > 1 for part in parts)
    ]


def _parts(name: str, mark: str) -> set[str]:
    return {part for part in map(str.strip, name.split(mark)) if part}
