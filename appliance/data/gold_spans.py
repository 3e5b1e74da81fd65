"""Named entities out of a row."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from appliance.data.check import find_span
from appliance.data.columns import Columns, Row, kind_of
from appliance.task import Mark

SHAPE = '[start, end, type] or {"text": ..., "type": ...}'


def marks(
    columns: Columns, row: Row, text: str, type_of: Callable[[str, str], str]
) -> tuple[Mark, ...]:
    """In the order of the text. ``type_of(field, name)`` checks a type. Raises Defect."""
    value = columns.value(row, "spans")
    if not isinstance(value, list):
        raise columns.defect("spans", f"is {kind_of(value)}; write a list of {SHAPE}")
    found = []
    for number, item in enumerate(value, 1):
        place, kind = _parts(item)
        if not isinstance(kind, str):
            raise columns.defect("spans", f"entity {number} is not {SHAPE}")
        try:
            found.append((*find_span(text, place), type_of("spans", kind)))
        except ValueError as error:
            raise columns.defect("spans", f"entity {number}: {error}") from None
    found.sort()
    for (start, end, _), (other, other_end, _) in pairwise(found):
        if other < end:
            what = f"[{start}, {end}] overlaps [{other}, {other_end}]"
            raise columns.defect("spans", f"{what}; keep one of the two")
    return tuple(found)


def _parts(item: object) -> tuple[object, object]:
    """Where an entity is, and its type; nothing where that is not said."""
    match item:
        case [start, end, kind]:
            return [start, end], kind
        case {"text": text, "type": kind}:
            return text, kind
        case {"start": start, "end": end, "type": kind}:
            return [start, end], kind
    return None, None
