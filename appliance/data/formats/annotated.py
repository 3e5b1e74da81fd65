"""What annotation tools export: texts with labels, entities and relations, and the rows that they
make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.fields import Record, lacks
from appliance.data.formats.text import Placed
from appliance.data.paths import at
from appliance.data.read.columns import kind_of
from appliance.errors import InputError
from appliance.files import refused
from appliance.kinds import KINDS
from appliance.task import Span
from appliance.text import quoted

WITHOUT = {"label": "a label", "answer": "an answer"}


class Entity(msgspec.Struct, frozen=True):
    """``start`` and ``end`` are [start, end) in characters. ``text`` is what the tool says stands
    there, if it says so."""

    start: int
    end: int
    type: str = ""
    text: str | None = None


class Relation(NamedTuple):
    head: Entity
    tail: Entity
    label: str


class Annotated(Protocol):
    """What one annotator said about one text.

    A method reads only what its kind of task asks for, so that nothing else can be wrong. It raises
    ValueError where that is wrong.
    """

    @property
    def record(self) -> Record:
        """The object in which the text and its group are looked up."""

    def labels(self) -> list[str]:
        """The labels of the whole text, or what was written for it; empty if it has none."""

    def entities(self) -> list[Entity]:
        """The entities in any order; empty if none was marked."""

    def relations(self) -> list[Relation]:
        """The relations in any order; empty if none was marked."""


def rows(
    found: Iterable[tuple[str, Annotated]], choices: Choices, problems: Problems
) -> Iterator[Placed]:
    """Yields rows of the kind that is asked for, with their places.

    A relation is a row of its own; for the other kinds a text is one. Texts that say nothing about
    what is asked are left out and counted. Raises InputError where ``choices`` map a field that
    does not come from a column.
    """
    kind = KINDS[choices.kind]
    named = ["text", "group"] if "head" in kind.fields else ["text", kind.gold, "group"]
    if unknown := sorted(set(choices.columns) - set(named)):
        what = f"unknown field {quoted(unknown[0])}; known: {', '.join(named)}"
        raise InputError(f"{what}; write FIELD=YOUR_COLUMN, as in text=sentence")
    grouped_by = choices.columns.get("group")
    grouped = grouped_by is None
    for where, annotated in found:
        try:
            text = text_of(annotated.record, choices.columns)
            asked = _fields(text, annotated, choices, problems)
        except ValueError as error:
            problems.add(where, str(error))
            continue
        group = None if grouped_by is None else at(annotated.record, grouped_by)
        grouped = grouped or group is not None
        shared = {"text": text} | ({} if group is None else {"group": group})
        for number, fields in enumerate(asked, 1):
            place = where if len(asked) == 1 else f"{where}, relation {number}"
            yield place, shared | fields
    if not grouped:
        what = f"has no {quoted(grouped_by or '')} in any row"
        raise refused(problems.path, f"{what}: give another --column group=NAME, or leave it out")


def text_of(record: Record, columns: Mapping[str, str]) -> str:
    """The text of a record. Raises ValueError where it has none."""
    name = columns.get("text", "text")
    found = at(record, name)
    if isinstance(found, str):
        return found
    if found is None and name in record:
        raise ValueError(f"{name}: is null; write the text, or remove the row")
    if found is None:
        raise lacks(record, f"no {quoted(name)}", "name the text with --column text=NAME")
    raise ValueError(f"{name}: is {kind_of(found)}; write a string")


def related(entities: Mapping[Any, Entity], head: object, tail: object, label: str) -> Relation:
    """The relation between two entities by their ids. Raises ValueError where one is missing."""
    if missing := [key for key in (head, tail) if key not in entities]:
        what = f"a relation {quoted(label)} names entity {quoted(str(missing[0]))}"
        raise ValueError(f"{what}, which is not there; remove the relation, or mark the entity")
    return Relation(entities[head], entities[tail], label)


def _fields(
    text: str, annotated: Annotated, choices: Choices, problems: Problems
) -> list[dict[str, object]]:
    """The fields of each row beside its text, for the kind that is asked for."""
    kind = KINDS[choices.kind]
    if "head" in kind.fields:
        relations = annotated.relations()
        if not relations:
            problems.count("texts without a relation, which are left out")
        ends = [end for relation in relations for end in (relation.head, relation.tail)]
        places = _places(text, ends, problems)
        pairs = zip(relations, places[::2], places[1::2], strict=True)
        return [_pair(relation, head, tail) for relation, head, tail in pairs]
    if kind.gold == "spans":
        entities = annotated.entities()
        if not entities:
            problems.count("texts without an entity, which are kept")
        places = _places(text, entities, problems)
        return [
            {"spans": [[*place, each.type] for place, each in zip(places, entities, strict=True)]}
        ]
    labels = list(dict.fromkeys(annotated.labels()))
    if not labels:
        kept = "kept" if choices.several else "left out"
        problems.count(f"texts without {WITHOUT[kind.gold]}, which are {kept}")
    if choices.several:
        return [{kind.gold: labels}]
    return [{kind.gold: labels[0] if len(labels) == 1 else labels}] if labels else []


def _pair(relation: Relation, head: Span, tail: Span) -> dict[str, object]:
    found: dict[str, object] = {"head": list(head), "tail": list(tail), "label": relation.label}
    types = {"head_type": relation.head.type, "tail_type": relation.tail.type}
    return found | {field: name for field, name in types.items() if name}


def _places(text: str, entities: Sequence[Entity], problems: Problems) -> list[Span]:
    """[start, end) in characters of each entity. Raises ValueError where another text stands there.

    If all entities fit their texts only where offsets count UTF-16 units, as in JavaScript, they
    are converted.
    """
    places = [(entity.start, entity.end) for entity in entities]
    wrong = _misfit(text, places, entities)
    if wrong is None:
        return places
    units = text.encode("utf-16-le")

    def characters(offset: int) -> int:
        return len(units[: 2 * max(0, offset)].decode("utf-16-le", "replace"))

    turned = [(characters(start), characters(end)) for start, end in places]
    if _misfit(text, turned, entities) is None:
        problems.count("texts whose offsets count UTF-16 units, and were converted")
        return turned
    (start, end), written = places[wrong], entities[wrong].text or ""
    what = f"[{start}, {end}] is {quoted(text[max(0, start) : max(0, end)])} in the text"
    raise ValueError(
        f"{what}, not {quoted(written)}; offsets count characters from 0, end is exclusive"
    )


def _misfit(text: str, places: Sequence[Span], entities: Sequence[Entity]) -> int | None:
    """The index of the first entity whose text is not at its place; None if there is none.

    White space is not compared, because some tools write line breaks in other ways.
    """
    for number, ((start, end), entity) in enumerate(zip(places, entities, strict=True)):
        stands = text[start:end] if 0 <= start <= end else ""
        written = stands if entity.text is None else entity.text
        if "".join(stands.split()) != "".join(written.replace("\\n", " ").split()):
            return number
    return None
