"""Importer for JSON Lines, or one JSON array: a row is text, head, tail and label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

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
    read_utf8,
    refused,
)
from appliance.data.splits import Tie, clusters, fixed_cases, split, ties
from appliance.errors import InputError
from appliance.task import Example, Label, Split, Task

REQUIRED = ("text", "head", "tail", "label")
FIELDS = (*REQUIRED, "may_ship", "group")
MANY = 20
TIED: dict[Tie, tuple[str, str]] = {
    "group": ("have the same group", "add rows of other groups"),
    "entities": ("name the same two entities", "add rows of other entities"),
    "text": ("differ only in case, white space and digits", "add other sentences"),
}
"""What two rows have in common that stay on one side, and what to do."""

Row = dict[str, object]


def read_jsonl(
    path: Path,
    *,
    name: str,
    none: str | None = None,
    may_ship: bool = False,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[Label] | None = None,
    seed: int = 0,
) -> Imported:
    """A fixed relation task from rows of ``text``, ``head``, ``tail``, ``label``.

    ``head`` and ``tail`` are [start, end) in characters of ``text``, or a string that occurs in it
    once. A row may carry ``may_ship`` (true or false; else the argument holds) and ``group`` (rows
    of one group never straddle splits). ``columns`` maps a field to the file's own name for it;
    ``labels`` gives order and descriptions, and then no others may occur; ``seed`` decides the
    split.

    Raises InputError that names the file, the lines and the fields. Nothing is half-imported.
    """
    reader = _Columns(columns or {}, labels)
    problems = Problems(path)
    rows = _rows(path, problems)
    reader.check(path, [row for _, row in rows])
    found = []
    places: dict[str, str] = {}
    for where, row in rows:
        try:
            found.append(reader.example(row, may_ship))
            places.setdefault(found[-1].id, where)
        except _Defect as defect:
            problems.add(f"{where}, {printable(defect.column)}", defect.what)
    problems.raise_if_any()

    examples, notes = _without_duplicates(found)
    counts = Counter(row.label for row in examples)
    if labels is None:
        labels = [
            Label(label) for label in sorted(counts, key=lambda label: (label == none, label))
        ]
    names = [label.name for label in labels]
    check_labels(path, names, none, counts)
    task = Task(name, kind="relation", protocol="fixed", labels=tuple(labels), none=none)
    cases = fixed_cases(_split(path, examples, seed, places), names)
    return Imported(task, examples, cases, notes=notes)


class _Defect(Exception):
    """What is wrong in one column of one row."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what


def _rows(path: Path, problems: Problems) -> list[tuple[str, Row]]:
    """``[(place, row), ...]``; what is no JSON object becomes a problem."""
    rows = []
    for where, value in _values(path, read_utf8(path, "one row for each example"), problems):
        if isinstance(value, dict):
            rows.append((where, value))
        else:
            problems.add(where, 'is not a JSON object; write {"text": ..., "head": ..., ...}')
    return rows


def _values(path: Path, text: str, problems: Problems) -> list[tuple[str, Any]]:
    lines = [(n, line.strip()) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    first = lines[0][1]
    if first[0] == "[":
        try:
            return [(f"row {n}", value) for n, value in enumerate(_decode(text), 1)]
        except ValueError as error:
            raise refused(path, f"starts with [ but is not a JSON array: {error}") from None
    if first[0] != "{" and any(mark in first for mark in ",;\t"):
        raise refused(path, "looks like CSV, not JSON; save it as one JSON object a line")
    values = []
    for number, line in lines:
        try:
            values.append((f"line {number}", _decode(line)))
        except ValueError as error:
            problems.add(f"line {number}", f"is not JSON: {error}; write one object a line")
    return values


def _decode(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


class _Columns:
    """Reads a row by the file's own names for the fields."""

    def __init__(self, columns: Mapping[str, str], labels: Sequence[Label] | None) -> None:
        if unknown := sorted(set(columns) - set(FIELDS)):
            raise InputError(f"unknown field {quoted(unknown[0])}; known: {', '.join(FIELDS)}")
        self.names = {field: columns.get(field, field) for field in FIELDS}
        self.labels = None if labels is None else [label.name for label in labels]

    def check(self, path: Path, rows: Sequence[Row]) -> None:
        """Raises InputError if a required column is in no row at all."""
        found = sorted({column for row in rows for column in row})
        missing = [field for field in REQUIRED if self.names[field] not in found]
        if rows and missing:
            names = (self.names[field] for field in missing)
            wanted = ", ".join(quoted(name) + _nearest(name, found) for name in names)
            columns = ", ".join(map(quoted, found[:MANY])) or "none"
            mapped = " ".join(f"--column {field}=NAME" for field in missing)
            what = f"no column {wanted}; columns found: {columns}"
            raise refused(path, f"{what}; rename the columns, or map them: {mapped}")

    def example(self, row: Row, may_ship: bool) -> Example:
        text = self._string(row, "text")
        if is_blank(text):
            raise self._defect("text", "is empty; write the sentence, or remove the row")
        head, tail = (self._span(row, field, text) for field in ("head", "tail"))
        if head[0] < tail[1] and tail[0] < head[1]:
            what = f"{list(head)} overlaps {self.names['tail']} {list(tail)}; mark two entities"
            raise self._defect("head", what)
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
        notes.append(f"{torn} sentences carry the same two spans under different labels")
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
