"""CLUENER's JSON Lines (Xu et al., 2020): entities by type and text, with inclusive offsets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import records
from appliance.data.formats.text import Placed
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "spans"
NONE: str | None = None
ORIGIN = "CLUENER2020, github.com/CLUEbenchmark/CLUENER2020"
LICENCE = ""
LAYOUT = (
    'an object a line with text and label, {"TYPE": {"ENTITY": [[first, last], ...]}}, in '
    "characters from 0, the last one inclusive"
)


class _Row(msgspec.Struct, frozen=True):
    text: str
    label: dict[str, dict[str, list[tuple[int, int]]]]


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields texts with their entities in the order of the text."""
    for where, row in records(path, problems, _Row, LAYOUT):
        try:
            yield where, {"text": row.text, "spans": _spans(row)}
        except ValueError as error:
            problems.add(where, str(error))


def _spans(row: _Row) -> list[list[int | str]]:
    found = []
    for kind, entities in row.label.items():
        for entity, places in entities.items():
            for first, last in places:
                stands = row.text[first : last + 1] if 0 <= first <= last else ""
                if stands != entity:
                    raise ValueError(
                        f"[{first}, {last}] is {quoted(stands)} in the text, not {quoted(entity)}; "
                        "offsets count characters from 0, the last one inclusive"
                    )
                found.append((first, last + 1, kind))
    return [list(mark) for mark in sorted(found)]
