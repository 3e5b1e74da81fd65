"""Reads the fields of a row by the file's own names for them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

from appliance.data.paths import at, flat
from appliance.data.read.cells import listed
from appliance.errors import InputError
from appliance.files import refused
from appliance.kinds import KINDS, Kind
from appliance.text import printable, quoted

DIVIDED = re.compile("[;|]")
"""What divides a string that stands for a list."""

ALWAYS = ("may_ship", "group")
"""The fields that rows of any kind may have."""

SPLIT = "split"
"""The field that says which split a row belongs to. It is read only where it is asked for."""

LOOKED_AT = 100
"""The number of first rows in which the columns are looked for."""

MANY = 20
NAMES_OF_TYPES = {
    bool: "true or false",
    str: "a string",
    list: "a list",
    dict: "an object",
    bytes: "bytes that are not UTF-8",
}

Row = Mapping[str, object]


class Record(dict[str, object]):
    """A record of a table as a row: its cells as they are read, and as they are ``written``."""

    def __init__(self, read: Mapping[str, object], written: Mapping[str, str]) -> None:
        super().__init__(read)
        self.written = written


class Defect(Exception):
    """What is wrong in one column of one row."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what


class MissingColumns(InputError):
    """No row has a column for ``fields``.

    ``seen`` holds the columns there are, with the first value of each.
    """

    def __init__(self, message: str, fields: Sequence[str], seen: Mapping[str, object]) -> None:
        super().__init__(message)
        self.fields = fields
        self.seen = seen


class Columns:
    """The file's name for each field of a kind, and the values of a row by field. A name may be a
    path to a nested value.

    ``written`` counts the lists that were given as text. ``mapped`` has the file's names where they
    differ; ``delimiter`` divides a string that stands for a list. Rows that are not ``labelled``
    need no column for what is to be predicted. Raises InputError where ``mapped`` has a field that
    the kind lacks.
    """

    def __init__(
        self,
        kind: Kind,
        mapped: Mapping[str, str],
        delimiter: str | None,
        *,
        labelled: bool = True,
    ) -> None:
        self._labelled = labelled
        self.required = required(kind) if labelled else KINDS[kind].fields
        known = (*required(kind), *KINDS[kind].optional, *ALWAYS)
        if unknown := sorted(set(mapped) - {*known, SPLIT}):
            what = f"unknown field {quoted(unknown[0])}; known: {', '.join(known)}"
            raise InputError(f"{what}; write FIELD=YOUR_COLUMN, as in text=sentence")
        self._names = {field: mapped.get(field, field) for field in (*known, SPLIT)}
        self._unseen = set(mapped) if labelled else set(mapped) - {KINDS[kind].gold}
        self._found: dict[str, object] = {}
        self.written = 0
        self._divided = DIVIDED if delimiter is None else re.compile(re.escape(delimiter))

    def check(self, path: Path, first: Iterable[Row]) -> None:
        """Raises MissingColumns if a required column is in none of the first rows."""
        missing = list(self.required)
        for row in first:
            self._found = {**dict(flat(row)), **row, **self._found}
            self.see(row)
            missing = [field for field in missing if not self._stands(row, field)]
        if self._found and missing:
            raise self._missing(path, [*missing, *sorted(self._unseen - set(missing))])

    def see(self, row: Row) -> None:
        """Notes the mapped columns of a row. Every row is seen: an optional field may be in one
        alone."""
        if self._unseen:
            self._unseen -= {field for field in self._unseen if self._stands(row, field)}

    def check_mapped(self, path: Path) -> None:
        """Raises MissingColumns if a column that was mapped is in none of the rows seen."""
        if self._found and self._unseen:
            raise self._missing(path, sorted(self._unseen))

    def _missing(self, path: Path, fields: Sequence[str]) -> MissingColumns:
        seen = self._found
        wanted = ", ".join(quoted(name) + nearest(name, seen) for name in map(self.of, fields))
        columns = ", ".join(map(quoted, sorted(seen)[:MANY]))
        mapped = " ".join(option(field, "NAME") for field in fields)
        what = f"no column {wanted}; columns found: {columns}"
        remedy = f"rename the columns, or map them: {mapped}"
        if {"head", "tail"} <= set(fields) and self._labelled:
            remedy += "; for texts without entities give --kind classify"
        if "text" in fields and "question" in seen and "question" not in self._names:
            remedy += "; the question goes into text: --column text=question"
        return MissingColumns(str(refused(path, f"{what}; {remedy}")), fields, seen)

    def of(self, field: str) -> str:
        """The file's name for a field."""
        return self._names[field]

    def defect(self, field: str, what: str) -> Defect:
        return Defect(printable(self.of(field)), what)

    def has(self, row: Row, field: str) -> bool:
        """Whether the row has a value for the field. Null counts as none."""
        return at(row, self.of(field)) is not None

    def _stands(self, row: Row, field: str) -> bool:
        """Whether the row has the column of a field, maybe as a path to a nested value."""
        name = self.of(field)
        return name in row or at(row, name) is not None

    def value(self, row: Row, field: str) -> object:
        if not self._stands(row, field):
            raise self.defect(field, "is missing" + nearest(self.of(field), row))
        return at(row, self.of(field))

    def string(self, row: Row, field: str) -> str:
        value = self.value(row, field)
        if not isinstance(value, str):
            raise self.defect(field, f"is {kind_of(value)}; write a string")
        return value

    def name(self, row: Row, field: str) -> str:
        """The value as a string, which may be given as a number, or as true or false."""
        value = self.value(row, field)
        if (text := as_text(value)) is None:
            raise self.defect(field, f"is {kind_of(value)}; write a string")
        return text

    def listed(self, row: Row, field: str) -> list[str]:
        """The value as a list of strings, which may be given as one string that is divided."""
        if (found := self.as_list(row, field)) is not None:
            return found
        value = self.value(row, field)
        if isinstance(value, str):
            return [part for part in map(str.strip, self._divided.split(value)) if part]
        if (text := as_text(value)) is None:
            raise self.defect(field, f"is {kind_of(value)}; write a list of strings")
        return [text]

    def as_list(self, row: Row, field: str) -> list[str] | None:
        """The strings of a list, or of a string that stands for one (``cells.listed``); else
        None."""
        value = self.value(row, field)
        if isinstance(value, dict) and list(value) == ["choices"]:
            value = value["choices"]
        if isinstance(value, str):
            value = listed(value)
            self.written += value is not None
        if not isinstance(value, list):
            return None
        texts = [as_text(part) for part in value]
        if None in texts:
            what = kind_of(value[texts.index(None)])
            raise self.defect(field, f"lists {what}; write a list of strings")
        return [text for text in texts if text is not None]

    def optional(self, row: Row, field: str) -> str:
        return self.string(row, field) if self.has(row, field) else ""


def option(field: str, name: str) -> str:
    """The option that says what the file calls a field."""
    if field == SPLIT:
        return f"--split-column {shlex.quote(name)}"
    return f"--column {shlex.quote(f'{field}={name}')}"


def required(kind: Kind) -> tuple[str, ...]:
    """The fields that every row of a kind has."""
    return (*KINDS[kind].fields, KINDS[kind].gold)


def nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {quoted(near[0])}?)" if near else ""


def as_text(value: object) -> str | None:
    """A string, a finite number or a truth value as text, as Python writes it; else None."""
    if isinstance(value, float):
        return str(value) if isfinite(value) else None
    return str(value) if isinstance(value, str | int) else None


def kind_of(value: object) -> str:
    if isinstance(value, float) and not isfinite(value):
        return f"{value}, no number"
    return "null" if value is None else NAMES_OF_TYPES.get(type(value), "a number")
