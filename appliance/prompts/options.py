"""Questions that list their options by letter, and the same without the list.

A small model that reads such a list copies out of it, whatever is asked. Without the list each
option can be scored as an answer in its own words (the cloze form of Brown et al., NeurIPS 2020;
Robinson et al., ICLR 2023, compare both).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from appliance.task import Example

_name = r"(answer )?(options|choices|answers)"
_heading = re.compile(rf"(^|\n)\s*{_name}\s*:?$|(?<=[.?!])\s+{_name}:$", re.I)
"""What announces a list of options: a line of its own, or what follows a sentence."""

LISTED_SO = 'each on a line behind its letter, as in "(A) the first"'
"""How options are listed, for messages."""


class Listed(NamedTuple):
    """The ``question`` without its list of options, and each option's ``words``, in their order."""

    question: str
    words: tuple[str, ...]


def listed(row: Example) -> Listed | None:
    """The parts of a row whose text ends in its options, one a line, each behind its letter or
    number, as in ``(A) the first`` or ``1. the first``. None for any other row."""
    lines = row.text.rstrip().split("\n")
    count = len(row.choices)
    if not 2 <= count < len(lines):
        return None
    words = tuple(map(_words, row.choices, lines[-count:]))
    if not all(words) or len(set(words)) < count:
        return None
    question = _heading.sub("", "\n".join(lines[:-count]).rstrip()).rstrip()
    return Listed(question, words) if question else None


def all_listed(rows: Iterable[Example]) -> bool:
    """Whether the text of every row, of which there is one at least, lists its options so."""
    found = [listed(row) is not None for row in rows]
    return bool(found) and all(found)


def _words(choice: str, line: str) -> str:
    """What stands behind an option's letter or number; empty where the line does not begin so."""
    letter = choice.strip("().: ")
    if not re.fullmatch(r"[A-Za-z]|\d{1,2}", letter):
        return ""
    found = re.fullmatch(rf"\s*\(?{letter}[).:]+\s*(\S.*?)\s*", line)
    return found[1] if found else ""
