"""Label Studio's exports: JSON, and JSON-MIN, CSV and TSV, in which a record is one annotation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.annotated import Annotated, Entity, Relation, related
from appliance.data.formats.fields import Record, converted, typed
from appliance.data.formats.label_studio_flat import Flat, table
from appliance.data.formats.stream import records
from appliance.errors import InputError
from appliance.files import refused
from appliance.kinds import KINDS as ALL
from appliance.kinds import Kind
from appliance.text import printable, quoted

KINDS: tuple[Kind, ...] = ("classify", "spans", "relation")
LAYOUT = "JSON, JSON-MIN, CSV or TSV as Label Studio exports them"
TABLES = (".csv", ".tsv")


class _Result(msgspec.Struct, frozen=True):
    """One thing that was marked. ``from_name`` names the control that it was marked with, and
    ``to_name`` the text."""

    type: str
    value: dict[str, Any] = {}
    from_name: str = ""
    to_name: str = ""
    id: str = ""
    from_id: str = ""
    to_id: str = ""
    direction: str | None = None
    labels: list[str] | None = None


class _Annotation(msgspec.Struct, frozen=True):
    result: list[_Result]
    was_cancelled: bool | None = None


class _Task(msgspec.Struct, frozen=True):
    data: dict[str, Any]
    annotations: list[_Annotation]


class _Controls:
    """The controls whose results are asked for: the one given, else the only one there is."""

    def __init__(self, path: Path, problems: Problems, field: str, given: str | None) -> None:
        self._path = path
        self._problems = problems
        self._field = field
        self._given = given
        self._seen: dict[str, None] = {}
        self._texts: dict[str, None] = {}

    def choose(self, results: list[_Result], kind: str) -> Iterator[_Result]:
        """Yields the results of one type; others are counted. Raises InputError where results of
        several controls, or of several texts, are asked for."""
        for result in results:
            if result.type != kind:
                _leave_out(result, self._problems)
                continue
            self._seen[result.from_name] = None
            if self._given is None and len(self._seen) > 1:
                raise self._of_several(kind, self._seen)
            if self._given in (None, result.from_name):
                self._texts[result.to_name] = None
                if len(self._texts) > 1:
                    raise self._of_several(kind, self._texts)
                yield result

    def _of_several(self, kind: str, names: Iterable[str]) -> InputError:
        what = f"has {kind} of {' and of '.join(map(quoted, names))}"
        remedy = f"name the control that is asked for: --column {self._field}=NAME"
        return refused(self._path, f"{what}; {remedy}")

    def check(self) -> None:
        """Raises InputError where all results of the type are of other controls than the one
        given."""
        if self._given is not None and self._seen and self._given not in self._seen:
            names = ", ".join(map(quoted, self._seen))
            what = f"has no {self._field} of {quoted(self._given)}, but of {names}"
            raise refused(self._path, f"{what}: name one of these with --column {self._field}=NAME")


class _Marked(msgspec.Struct, frozen=True):
    """One annotation; ``record`` has the data of its task."""

    record: Record
    results: list[_Result]
    controls: _Controls
    problems: Problems

    def labels(self) -> list[str]:
        found: list[str] = []
        for result in self.controls.choose(self.results, "choices"):
            if "start" in result.value:
                self.problems.count("choices for a part of a text, which are left out")
            else:
                found += typed(result.value, "choices", list[str])
        return found

    def entities(self) -> list[Entity]:
        found = []
        for result in self.controls.choose(self.results, "labels"):
            entity, types = _region(result)
            if not types:
                where = f"[{entity.start}, {entity.end}]"
                raise ValueError(f"the region {where} has no label; label it, or remove it")
            found += [msgspec.structs.replace(entity, type=name) for name in types]
        return found

    def relations(self) -> list[Relation]:
        regions = {}
        found: list[Relation] = []
        relations = [each for each in self.results if each.type == "relation"]
        named = {end for each in relations for end in (each.from_id, each.to_id)}
        for each in self.results:
            if "start" in each.value:
                labelled = bool(each.value.get("labels"))
                # What else is said of a region has its id too.
                if labelled or (each.id in named and each.id not in regions):
                    entity, types = _region(each)
                    one = types[0] if len(types) == 1 else ""
                    regions[each.id] = msgspec.structs.replace(entity, type=one)
            elif each.type != "relation":
                _leave_out(each, self.problems)
        for each in relations:
            head, tail = each.from_id, each.to_id
            if each.direction == "left":
                head, tail = tail, head
            elif each.direction == "bi":
                raise ValueError("a relation points both ways; give it one direction")
            if not each.labels:
                raise ValueError("a relation has no label; label it, or remove it")
            found += [related(regions, head, tail, label) for label in each.labels]
        return found


def annotated(path: Path, problems: Problems, choices: Choices) -> Iterator[tuple[str, Annotated]]:
    """Yields annotations with their places.

    Cancelled ones and tasks without any are left out and counted; predictions are not read. Raises
    InputError where it is not clear which results are asked for.
    """
    field = ALL[choices.kind].gold
    name = choices.columns.get(field)
    controls = _Controls(path, problems, field, name)
    is_table = path.suffix.lower() in TABLES
    found = table(path, problems) if is_table else records(path, problems, dict[str, Any], LAYOUT)
    flat = Flat(path, choices.kind, name)
    for where, record in found:
        try:
            if flat.is_one(record):
                results = converted(flat.results(record), list[_Result])
                yield where, _Marked(record, results, controls, problems)
                continue
            task = converted(record, _Task)
        except ValueError as error:
            problems.add(where, str(error), LAYOUT)
            continue
        data = task.data | {"data": task.data, "id": record.get("id")} | task.data
        for place, results in _annotations(where, task, problems):
            yield place, _Marked(data, results, controls, problems)
    flat.check()
    controls.check()


def _annotations(
    where: str, task: _Task, problems: Problems
) -> Iterator[tuple[str, list[_Result]]]:
    if not task.annotations:
        problems.count("tasks without an annotation, which are left out")
    count = 0
    for number, annotation in enumerate(task.annotations, 1):
        if annotation.was_cancelled:
            problems.count("cancelled annotations, which are left out")
            continue
        count += 1
        if count > 1:
            problems.count("second or further annotations of a text, each of them a row")
        yield (
            where if len(task.annotations) == 1 else f"{where}, annotation {number}",
            annotation.result,
        )


def _leave_out(result: _Result, problems: Problems) -> None:
    problems.count(f"results of type {printable(result.type)}, which are left out")


def _region(result: _Result) -> tuple[Entity, list[str]]:
    """A marked part of a text, and its labels.

    Only labels come with the ``text`` that stands there: that of a text area is a note.
    """
    value = {"labels": [], **result.value}
    labels = typed(value, "labels", list[str])
    if not labels and result.type != "labels":
        value.pop("text", None)
    return converted(value, Entity, "a region: "), labels
