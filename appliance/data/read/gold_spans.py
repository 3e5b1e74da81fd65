"""Reads named entities from a row."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from appliance.data.read.columns import Columns, Row, kind_of
from appliance.data.read.offsets import Offsets
from appliance.task import Mark

SHAPE = '[start, end, type], {"text": ..., "type": ...} or {"start": ..., "end": ..., "type": ...}'


def marks(
    columns: Columns, row: Row, text: str, type_of: Callable[[str, str], str], offsets: Offsets
) -> tuple[Mark, ...]:
    """The entities of a row in the order of the text. Raises Defect.

    ``type_of(field, name)`` checks a type; ``offsets`` reads where an entity stands.
    """
    value = columns.value(row, "spans")
    if not isinstance(value, list):
        raise columns.defect("spans", f"is {kind_of(value)}; write a list of {SHAPE}")
    found = []
    for number, item in enumerate(value, 1):
        place, kind, written = _parts(item)
        if not isinstance(kind, str) or not isinstance(written, str | None):
            raise columns.defect("spans", f"entity {number} is not {SHAPE}")
        try:
            start, end = offsets.span(text, place, written)
        except ValueError as error:
            raise columns.defect("spans", f"entity {number}: {error}") from None
        found.append((start, end, type_of("spans", kind)))
    found.sort()
    for (start, end, _), (other, other_end, _) in pairwise(found):
        if other < end:
            what = f"[{start}, {end}] overlaps [{other}, {other_end}]"
            remedy = "keep one of the two, or leave such rows out: --on-error skip"
            raise columns.defect("spans", f"{what}; {remedy}")
    return tuple(found)


def _parts(item: object) -> tuple[object, object, object]:
    """The place of an entity, its type, and its text where an item gives both place and text.

    The place may be the text itself. All are None where the item is not an entity.
    """
    match item:
        case [start, end, kind]:
            return [start, end], kind, None
        case {"start": start, "end": end, "type": kind, **more} if start is not None:
            return [start, end], kind, more.get("text")
        case {"text": text, "type": kind}:
            return text, kind, None
    return None, None, None
