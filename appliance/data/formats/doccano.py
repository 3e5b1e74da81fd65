"""doccano's JSON Lines: labels of texts, entities, relations, and texts written for texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.annotated import Annotated, Entity, Relation, related
from appliance.data.formats.fields import Record, typed
from appliance.data.formats.stream import records
from appliance.kinds import KINDS as ALL
from appliance.kinds import Kind
from appliance.text import quoted

KINDS: tuple[Kind, ...] = ("classify", "spans", "relation", "answer")
LAYOUT = (
    "an object a line with text and label: a list of labels, or of [start, end, type]; or with "
    "entities and relations"
)


class _Entity(msgspec.Struct, frozen=True):
    id: int | str
    label: str
    start_offset: int
    end_offset: int


class _Relation(msgspec.Struct, frozen=True):
    from_id: int | str
    to_id: int | str
    type: str


class _Document(msgspec.Struct, frozen=True):
    """A line of an export. ``name`` is the field that has its labels."""

    record: Record
    name: str

    def labels(self) -> list[str]:
        found = self.record.get(self.name)
        if isinstance(found, str):
            return [found]
        if found and isinstance(found, list) and isinstance(found[0], list):
            raise ValueError(f"{quoted(self.name)} lists entities; give --kind spans")
        return typed(self.record, self.name, list[str])

    def entities(self) -> list[Entity]:
        listed = self.record.get("entities")
        if listed and isinstance(listed, list) and isinstance(listed[0], list):
            marks = typed(self.record, "entities", list[tuple[int, int, str]])
            return [Entity(*mark) for mark in marks]
        if listed is not None:
            return list(self._by_id().values())
        found = self.record.get(self.name)
        if found and isinstance(found, list) and isinstance(found[0], str):
            raise ValueError(f"{quoted(self.name)} lists labels of the text; give --kind classify")
        marks = typed(self.record, self.name, list[tuple[int, int, str]])
        return [Entity(*mark) for mark in marks]

    def relations(self) -> list[Relation]:
        found = typed(self.record, "relations", list[_Relation])
        entities = self._by_id()
        return [related(entities, each.from_id, each.to_id, each.type) for each in found]

    def _by_id(self) -> dict[int | str, Entity]:
        found = typed(self.record, "entities", list[_Entity])
        return {each.id: Entity(each.start_offset, each.end_offset, each.label) for each in found}


def annotated(path: Path, problems: Problems, choices: Choices) -> Iterator[tuple[str, Annotated]]:
    """Yields documents with their places.

    The text is in ``text`` or ``data``, the labels are in ``label``, ``labels`` or ``cats``, unless
    ``choices`` map them.
    """
    mapped = choices.columns.get(ALL[choices.kind].gold)
    for where, record in records(path, problems, dict[str, Any], LAYOUT):
        names = ("labels", "label", "cats")
        name = mapped or next((each for each in names if each in record), "label")
        if "text" not in record and "data" in record:
            record = {"text": record["data"], **record}
        yield where, _Document(record, name)
