"""Rows of a file, whatever its format, as a task: checked, without duplicates, split once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import msgspec

from appliance.data import Imported
from appliance.data.check import (
    Problems,
    check_labels,
    find_span,
    is_blank,
    label_defect,
    printable,
    quoted,
    refused,
)
from appliance.data.splits import Tie, clusters, fixed_cases, split, ties
from appliance.errors import InputError
from appliance.task import FIELDS, Example, Kind, Label, Span, Split, Task

OPTIONAL = ("may_ship", "group")
MANY = 20
TIED: dict[Tie, tuple[str, str]] = {
    "group": ("have the same group", "add rows of other groups"),
    "entities": ("name the same two entities", "add rows of other entities"),
    "text": ("differ only in case, white space and digits", "add other sentences"),
}
"""What two rows have in common that stay on one side, and what to do."""

Row = Mapping[str, object]


class Choices(msgspec.Struct, frozen=True):
    """What the person who imports says of the rows.

    ``may_ship`` holds for rows that do not say so themselves. ``columns`` maps a field to the
    file's own name for it; ``labels`` gives order and descriptions, and then no others may occur;
    ``seed`` decides the split.
    """

    name: str
    kind: Kind = "relation"
    none: str | None = None
    may_ship: bool = False
    columns: Mapping[str, str] = {}
    labels: Sequence[Label] | None = None
    seed: int = 0


def fixed_task(
    path: Path,
    rows: Sequence[tuple[str, Row]],
    problems: Problems,
    choices: Choices,
    notes: Sequence[str] = (),
) -> Imported:
    """A task whose rows all have one list of labels; ``rows`` come with their places in the file.

    A row has the fields of its kind (``task.FIELDS``) and a ``label``; it may have ``may_ship``
    and ``group`` (rows of one group never straddle splits). Raises InputError that names the file,
    the rows and the fields. Nothing is half-imported.
    """
    reader = _Columns(choices)
    reader.check(path, [row for _, row in rows])
    found = []
    places: dict[str, str] = {}
    for where, row in rows:
        try:
            found.append(reader.example(row, choices.may_ship))
            places.setdefault(found[-1].id, where)
        except _Defect as defect:
            problems.add(f"{where}, {printable(defect.column)}", defect.what)
    problems.raise_if_any()

    examples, dropped = _without_duplicates(found)
    counts = Counter(row.label for row in examples)
    none, labels = choices.none, choices.labels
    if labels is None:
        labels = [
            Label(label) for label in sorted(counts, key=lambda label: (label == none, label))
        ]
    names = [label.name for label in labels]
    check_labels(path, names, none, counts)
    task = Task(choices.name, kind=choices.kind, protocol="fixed", labels=tuple(labels), none=none)
    cases = fixed_cases(_split(path, examples, choices.seed, places), names)
    return Imported(task, examples, cases, notes=(*notes, *dropped))


class _Defect(Exception):
    """What is wrong in one column of one row."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what


class _Columns:
    """Reads a row by the file's own names for the fields."""

    def __init__(self, choices: Choices) -> None:
        self.kind = choices.kind
        self.required = (*FIELDS[choices.kind], "label")
        known = (*self.required, *OPTIONAL)
        if unknown := sorted(set(choices.columns) - set(known)):
            raise InputError(f"unknown field {quoted(unknown[0])}; known: {', '.join(known)}")
        self.names = {field: choices.columns.get(field, field) for field in known}
        labels = choices.labels
        self.labels = None if labels is None else [label.name for label in labels]

    def check(self, path: Path, rows: Sequence[Row]) -> None:
        """Raises InputError if a required column is in no row at all."""
        found = sorted({column for row in rows for column in row})
        missing = [field for field in self.required if self.names[field] not in found]
        if rows and missing:
            names = (self.names[field] for field in missing)
            wanted = ", ".join(quoted(name) + _nearest(name, found) for name in names)
            columns = ", ".join(map(quoted, found[:MANY])) or "none"
            mapped = " ".join(f"--column {field}=NAME" for field in missing)
            what = f"no column {wanted}; columns found: {columns}"
            remedy = f"rename the columns, or map them: {mapped}"
            if {"head", "tail"} <= set(missing):
                remedy += "; for texts without entities give --kind classify"
            raise refused(path, f"{what}; {remedy}")

    def example(self, row: Row, may_ship: bool) -> Example:
        text = self._string(row, "text")
        if is_blank(text):
            raise self._defect("text", "is empty; write the sentence, or remove the row")
        head, tail = self._pair(row, text) if self.kind == "relation" else (None, None)
        label = self._string(row, "label")
        if defect := label_defect(label):
            raise self._defect("label", defect)
        if self.labels is not None and label not in self.labels:
            near = _nearest(label, self.labels)
            raise self._defect("label", f"{quoted(label)} is not one of the labels given{near}")
        ships = row.get(self.names["may_ship"], may_ship)
        if not isinstance(ships, bool):
            raise self._defect("may_ship", f"is {_kind(ships)}; write true or false")
        group = row.get(self.names["group"], "")
        if not isinstance(group, str):
            raise self._defect("group", f"is {_kind(group)}; write a string")
        return Example(text, head, tail, label, ships, group)

    def _pair(self, row: Row, text: str) -> tuple[Span, Span]:
        head, tail = (self._span(row, field, text) for field in ("head", "tail"))
        if head[0] < tail[1] and tail[0] < head[1]:
            what = f"{list(head)} overlaps {self.names['tail']} {list(tail)}; mark two entities"
            raise self._defect("head", what)
        return head, tail

    def _defect(self, field: str, what: str) -> _Defect:
        return _Defect(self.names[field], what)

    def _value(self, row: Row, field: str) -> object:
        name = self.names[field]
        if name not in row:
            raise self._defect(field, "is missing" + _nearest(name, row))
        return row[name]

    def _string(self, row: Row, field: str) -> str:
        value = self._value(row, field)
        if not isinstance(value, str):
            raise self._defect(field, f"is {_kind(value)}; write a string")
        return value

    def _span(self, row: Row, field: str, text: str) -> tuple[int, int]:
        try:
            return find_span(text, self._value(row, field))
        except ValueError as error:
            raise self._defect(field, str(error)) from None


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {quoted(near[0])}?)" if near else ""


def _kind(value: object) -> str:
    kinds = {bool: "true or false", str: "a string", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _without_duplicates(found: Sequence[Example]) -> tuple[list[Example], tuple[str, ...]]:
    """Exact duplicates dropped, the first kept; it may ship only if every copy may."""
    kept: dict[str, Example] = {}
    for row in found:
        first = kept.setdefault(row.id, row)
        if first.may_ship and not row.may_ship:
            kept[row.id] = msgspec.structs.replace(first, may_ship=False)
    notes = []
    if dropped := len(found) - len(kept):
        notes.append(f"{dropped} exact duplicate rows dropped")
    asked = Counter((row.text, row.head, row.tail) for row in kept.values())
    if torn := sum(n > 1 for n in asked.values()):
        alike = "are there" if found[0].head is None else "carry the same two spans"
        notes.append(f"{torn} sentences {alike} under different labels")
    return list(kept.values()), tuple(notes)


def _split(
    path: Path, examples: Sequence[Example], seed: int, places: Mapping[str, str]
) -> dict[Split, list[Example]]:
    """The split, refused if a label has no row on some side because too many stay together."""
    parts = split(examples, seed)
    labels = {row.label for row in examples}
    for name, rows in parts.items():
        if without := sorted(labels - {row.label for row in rows}):
            what = f"the {name} split gets no row of {quoted(without[0])}"
            raise refused(path, f"{what}: {_tied(examples, without[0], places)}")
    return parts


def _tied(examples: Sequence[Example], label: str, places: Mapping[str, str]) -> str:
    """How many rows stay together with most of the label's, and what most of them share."""

    def own_and_all(rows: Sequence[Example]) -> tuple[int, int]:
        return sum(row.label == label for row in rows), len(rows)

    rows = max(([examples[i] for i in found] for found in clusters(examples)), key=own_and_all)
    sharing: defaultdict[tuple[Tie, Hashable], list[Example]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.label != label):
        for key in ties(row).items():
            sharing[key].append(row)
    (tie, _), alike = max(sharing.items(), key=lambda item: own_and_all(item[1]))
    one, other = (places[row.id] for row in alike[:2])
    have, remedy = TIED[tie]
    own, every = own_and_all(rows)
    return (
        f"{every} rows stay together, {own} of them of this label; {one} and {other}, for "
        f"example, {have}: {remedy}"
    )
