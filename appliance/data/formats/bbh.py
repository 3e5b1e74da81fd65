"""BIG-Bench Hard's JSON (Suzgun et al., Findings of ACL 2023)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.check import Problems
from appliance.data.formats.stream import elements
from appliance.data.formats.text import Placed
from appliance.task import Kind

KIND: Kind = "answer"
NONE: str | None = None
ORIGIN = "BIG-Bench Hard, github.com/suzgunmirac/BIG-Bench-Hard"
LICENCE = "MIT"
LAYOUT = 'an object with examples, a list of {"input", "target"}'
LISTED = "Options:\n"

_option = re.compile(r"(\([A-Z]\))|- (.*\S)")


class _Row(msgspec.Struct, frozen=True):
    input: str
    target: str


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Questions with their answer, and with their choices where the answer is one of them.

    Of options "(A) ..." the choices are "(A)" and so on, of "- Yes" they are "Yes" and so on.
    """
    for where, row in elements(path, problems, _Row, LAYOUT, "examples"):
        answer = row.target.strip()
        found: dict[str, object] = {"text": row.input, "answer": answer}
        choices = options(row.input)
        yield where, found | ({"choices": choices} if answer in choices else {})


def options(text: str) -> list[str]:
    """What a question lists at its end; empty unless there are two, all different."""
    _, mark, listed = text.rpartition(LISTED)
    matches = filter(None, map(_option.match, listed.splitlines() if mark else []))
    found = [match[1] or match[2] for match in matches]
    return found if 1 < len(found) == len(set(found)) else []
