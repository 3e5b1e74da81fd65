"""A row by the file's own names for its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from appliance.data.check import printable, quoted, refused
from appliance.errors import InputError
from appliance.task import FIELDS, GOLD, Kind

OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "relation": ("head_type", "tail_type"),
    "classify": (),
    "answer": ("reasoning", "choices"),
    "spans": (),
    "reading": (),
}
ALWAYS = ("may_ship", "group")
"""What rows of any kind may have."""

DIVIDED = re.compile("[;|]")
MANY = 20
KINDS = {bool: "true or false", str: "a string", list: "a list", dict: "an object"}

Row = Mapping[str, object]


class Defect(Exception):
    """What is wrong in one column of one row."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what


class MissingColumns(InputError):
    """No row looked at has a column for ``fields``; ``seen`` are the columns there are, with the
    first value of each."""

    def __init__(self, message: str, fields: Sequence[str], seen: Mapping[str, object]) -> None:
        super().__init__(message)
        self.fields = fields
        self.seen = seen


class Columns:
    """``mapped`` has the file's names where they differ; ``delimiter`` divides a string that stands
    for a list. Raises InputError where what is mapped is no field of the kind."""

    def __init__(self, kind: Kind, mapped: Mapping[str, str], delimiter: str | None) -> None:
        self.required = required(kind)
        known = (*self.required, *OPTIONAL[kind], *ALWAYS)
        if unknown := sorted(set(mapped) - set(known)):
            raise InputError(f"unknown field {quoted(unknown[0])}; known: {', '.join(known)}")
        self._names = {field: mapped.get(field, field) for field in known}
        self._divided = DIVIDED if delimiter is None else re.compile(re.escape(delimiter))

    def check(self, path: Path, rows: Iterable[Row]) -> None:
        """Raises MissingColumns if a required column is in none of the rows."""
        seen: dict[str, object] = {}
        for row in rows:
            seen = {**row, **seen}
        missing = [field for field in self.required if self._names[field] not in seen]
        if not seen or not missing:
            return
        wanted = ", ".join(quoted(name) + nearest(name, seen) for name in map(self.of, missing))
        columns = ", ".join(map(quoted, sorted(seen)[:MANY]))
        mapped = " ".join(f"--column {field}=NAME" for field in missing)
        what = f"no column {wanted}; columns found: {columns}"
        remedy = f"rename the columns, or map them: {mapped}"
        if {"head", "tail"} <= set(missing):
            remedy += "; for texts without entities give --kind classify"
        message = str(refused(path, f"{what}; {remedy}"))
        raise MissingColumns(message, missing, seen)

    def of(self, field: str) -> str:
        """The file's name for a field."""
        return self._names[field]

    def defect(self, field: str, what: str) -> Defect:
        return Defect(printable(self.of(field)), what)

    def has(self, row: Row, field: str) -> bool:
        """Null is as good as nothing."""
        return row.get(self.of(field)) is not None

    def value(self, row: Row, field: str) -> object:
        name = self.of(field)
        if name not in row:
            raise self.defect(field, "is missing" + nearest(name, row))
        return row[name]

    def string(self, row: Row, field: str) -> str:
        value = self.value(row, field)
        if not isinstance(value, str):
            raise self.defect(field, f"is {kind_of(value)}; write a string")
        return value

    def listed(self, row: Row, field: str) -> list[str]:
        """A list of strings, or one string that is divided into some."""
        value = self.value(row, field)
        if isinstance(value, str):
            return [part for part in map(str.strip, self._divided.split(value)) if part]
        if not isinstance(value, list):
            raise self.defect(field, f"is {kind_of(value)}; write a list of strings")
        if wrong := [part for part in value if not isinstance(part, str)]:
            raise self.defect(field, f"lists {kind_of(wrong[0])}; write a list of strings")
        return value

    def optional(self, row: Row, field: str) -> str:
        return self.string(row, field) if self.has(row, field) else ""


def required(kind: Kind) -> tuple[str, ...]:
    """The fields that every row of a kind has."""
    return (*FIELDS[kind], GOLD[kind])


def nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {quoted(near[0])}?)" if near else ""


def kind_of(value: object) -> str:
    return "null" if value is None else KINDS.get(type(value), "a number")
