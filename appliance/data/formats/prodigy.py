"""Prodigy's JSON Lines, as ``prodigy db-out`` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.annotated import Annotated, Entity, Relation
from appliance.data.formats.fields import Record, typed
from appliance.data.formats.stream import records
from appliance.kinds import KINDS as ALL
from appliance.kinds import Kind
from appliance.text import quoted

KINDS: tuple[Kind, ...] = ("classify", "spans", "relation")
LAYOUT = (
    "an object a line with text and answer, and with accept or label, with spans, or with relations"
)


class _Option(msgspec.Struct, frozen=True):
    id: int | str
    text: str = ""


class _Span(msgspec.Struct, frozen=True):
    start: int
    end: int
    label: str | None = None
    text: str | None = None

    @property
    def entity(self) -> Entity:
        return Entity(self.start, self.end, self.label or "", self.text)


class _Relation(msgspec.Struct, frozen=True):
    head_span: _Span
    child_span: _Span
    label: str


class _Accepted(msgspec.Struct, frozen=True):
    """A line whose answer is "accept". ``name`` is the field that has its labels or spans."""

    record: Record
    name: str

    def labels(self) -> list[str]:
        found = self.record.get(self.name)
        if isinstance(found, str):
            return [found]
        options = self._options()
        accepted = typed(self.record, self.name, list[int | str])
        return [options.get(each, str(each)) for each in accepted]

    def entities(self) -> list[Entity]:
        # Prodigy leaves the spans of a text out where nothing was marked.
        marked = {self.name: [], **self.record} if "tokens" in self.record else self.record
        return [span.entity for span in typed(marked, self.name, list[_Span])]

    def relations(self) -> list[Relation]:
        found = typed(self.record, "relations", list[_Relation])
        return [
            Relation(each.head_span.entity, each.child_span.entity, each.label) for each in found
        ]

    def _options(self) -> dict[int | str, str]:
        """What annotators read for each id, where that tells the options apart."""
        found = typed({"options": [], **self.record}, "options", list[_Option])
        written = {option.id: option.text for option in found if option.text}
        return written if len(set(written.values())) == len(found) else {}


def annotated(path: Path, problems: Problems, choices: Choices) -> Iterator[tuple[str, Annotated]]:
    """Yields lines that were accepted, with their places.

    The labels are in ``accept``, else in ``label``, unless ``choices`` map them. Lines that were
    rejected or ignored are left out and counted, because they do not say what is right. So are
    questions about single entities, because the text may have others, and questions about single
    labels where a text may have several.
    """
    gold = ALL[choices.kind].gold
    mapped = choices.columns.get(gold)
    asked = {"spans": "entity"} | ({"label": "label"} if choices.several else {})
    for where, record in records(path, problems, dict[str, Any], LAYOUT):
        answer = record.get("answer", "accept")
        if answer != "accept":
            problems.count(f"rows left out, whose answer is {quoted(str(answer))}")
        elif record.get("_is_binary") and gold in asked:
            what = f"one {asked[gold]} and not about the whole text"
            problems.count(f"rows left out, which ask about {what}")
        else:
            label = "accept" if gold == "label" and "accept" in record else gold
            yield where, _Accepted(record, mapped or label)
