"""OpenNRE's JSON Lines (Han et al., EMNLP 2019): relations in words or in characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import records
from appliance.data.formats.text import Placed, span
from appliance.data.spans import overlap
from appliance.kinds import Kind
from appliance.task import Span
from appliance.text import quoted

KIND: Kind = "relation"
NONE: str | None = "NA"
ORIGIN = ""
LICENCE = ""
LAYOUT = (
    "an object a line with token or text, relation, and h and t, each with pos: [start, end) in "
    "indices of token or in characters of text"
)


class _Entity(msgspec.Struct, frozen=True):
    pos: tuple[int, int]
    name: str | None = None


class _Row(msgspec.Struct, frozen=True):
    h: _Entity
    t: _Entity
    relation: str
    token: list[str] | None = None
    text: str | None = None


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields sentences with head and tail. The text of words is the words joined by spaces."""
    for where, row in records(path, problems, _Row, LAYOUT):
        try:
            yield where, _read(row)
        except ValueError as error:
            problems.add(where, str(error))


def _read(row: _Row) -> dict[str, object]:
    if row.token is None and row.text is None:
        raise ValueError("has neither token nor text; give it one of them")
    if overlap(row.h.pos, row.t.pos):
        what = f"h.pos {list(row.h.pos)} and t.pos {list(row.t.pos)} overlap"
        raise ValueError(f"{what} (ends are exclusive); mark two entities")
    head, tail = (_place(row, name) for name in ("h", "t"))
    text = row.text if row.token is None else " ".join(row.token)
    return {"text": text, "head": list(head), "tail": list(tail), "label": row.relation}


def _place(row: _Row, field: str) -> Span:
    """[start, end) in characters of an entity.

    Raises ValueError where it lies outside the sentence, or where its name shows that the end is
    meant to be inclusive.
    """
    entity: _Entity = getattr(row, field)
    start, end = entity.pos
    units: Sequence[str] = row.token if row.token is not None else row.text or ""
    joined = " " if row.token is not None else ""
    where = f"{field}.pos [{start}, {end}]"
    if not 0 <= start < end <= len(units):
        what = "words" if row.token is not None else "characters"
        raise ValueError(
            f"{where}: is no part of the sentence of {len(units)} {what}; indices count from 0, "
            "ends are exclusive"
        )
    stands, longer = (joined.join(units[start:last]) for last in (end, end + 1))
    name = _plain(entity.name or "")
    if _plain(stands) != name == _plain(longer) and end < len(units):
        what = f"is {quoted(stands)} in the sentence, not {quoted(entity.name or '')}"
        raise ValueError(f"{where}: {what}; ends are exclusive: write [{start}, {end + 1}]")
    return (start, end) if row.token is None else span(row.token, start, end - 1)


def _plain(name: str) -> str:
    return "".join(name.casefold().split())
