"""BIG-Bench Hard's JSON (Suzgun et al., Findings of ACL 2023)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import elements
from appliance.data.formats.text import Placed
from appliance.kinds import Kind

KIND: Kind = "answer"
NONE: str | None = None
ORIGIN = "BIG-Bench Hard, github.com/suzgunmirac/BIG-Bench-Hard"
LICENCE = "MIT"
LAYOUT = 'an object with examples, a list of {"input", "target"}'
LISTED = "Options:\n"

_option = re.compile(r"(\([A-Z]\))(.*)|- (.*\S)")


class _Row(msgspec.Struct, frozen=True):
    input: str
    target: str


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields questions with their answer, and with their choices where the answer is one of them.

    Options that are written "(A) ..." give the choices "(A)" and so on; options that are written "-
    Yes" give "Yes" and so on. A target that is a letter without its brackets, or the words of a
    lettered option, counts as that option.
    """
    for where, row in elements(path, problems, _Row, LAYOUT, "examples"):
        answer = row.target.strip()
        found: dict[str, object] = {"text": row.input, "answer": answer}
        choices = options(row.input)
        named = [choice for choice, words in choices.items() if answer in words]
        if len(named) == 1:
            found |= {"answer": named[0], "choices": list(choices)}
        yield where, found


def options(text: str) -> dict[str, tuple[str, ...]]:
    """The options at the end of a question, each with the ways in which a target may name it.

    Empty unless there are two or more options, all different.
    """
    _, mark, listed = text.rpartition(LISTED)
    found = []
    for match in filter(None, map(_option.match, listed.splitlines() if mark else [])):
        letter, says, dash = match.groups()
        found.append((letter, (letter, letter[1], says.strip())) if letter else (dash, (dash,)))
    return dict(found) if 1 < len(found) == len(dict(found)) else {}
