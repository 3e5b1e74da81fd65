"""Label Studio's JSON-MIN, CSV and TSV: a record is one annotation, and its fields are the data of
its task, with what was marked under the name of each control."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.fields import Record
from appliance.data.read import dialect
from appliance.data.read.encoding import encoding_of
from appliance.files import refused
from appliance.kinds import KINDS, Kind
from appliance.text import quoted

MARKS = frozenset({"annotation_id", "annotator", "lead_time"})
"""Fields that such a record has beside its data."""

_json = re.compile(r"\[\s*[\[{\"]|\{\s*\"|\[\s*\]\s*$")
"""The beginning of JSON in a cell, which a label in square brackets is not."""


class Flat:
    """Reads what was marked with one control: the one of this ``name``, else "label"."""

    def __init__(self, path: Path, kind: Kind, name: str | None) -> None:
        self._path = path
        self._kind = KINDS[kind]
        self._name = name or "label"
        self._wanted = "labels" if self._kind.gold == "spans" else "choices"
        self._found = False
        self._fields: dict[str, None] = {}

    def is_one(self, record: Record) -> bool:
        """Whether a record is one annotation and not a task.

        Raises InputError where relations are asked for, which such exports leave out.
        """
        if MARKS.isdisjoint(record):
            return False
        if "head" in self._kind.fields:
            what = "has no relations, which only the JSON of Label Studio has; export it as JSON"
            raise refused(self._path, what)
        self._fields |= dict.fromkeys(record)
        return True

    def results(self, record: Record) -> list[dict[str, Any]]:
        """What was marked, in the shape that it has in JSON. Raises ValueError."""
        value = record.get(self._name)
        if isinstance(value, str) and _json.match(value):
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError):
                raise ValueError(f"{self._name}: is not JSON ({quoted(value)})") from None
        marks = value if isinstance(value, list) else [] if value in (None, "") else [value]
        return [self._result(mark) for mark in marks]

    def check(self) -> None:
        """Raises InputError where the field is in no record, or holds something else."""
        if self._found or not self._fields:
            return
        what = f"has no field {quoted(self._name)}"
        if self._name in self._fields:
            what = f"has no {self._wanted} in field {quoted(self._name)}"
        fields = ", ".join(map(quoted, self._fields))
        remedy = f"name the right one with --column {self._kind.gold}=NAME, or give another --kind"
        raise refused(self._path, f"{what}; it has {fields}: {remedy}")

    def _result(self, mark: object) -> dict[str, Any]:
        value = mark if isinstance(mark, dict) else {"choices": [mark]}
        kind = next((kind for kind in ("labels", "choices") if kind in value), "other")
        self._found = self._found or kind == self._wanted
        return {"type": kind, "value": value, "from_name": self._name}


def table(path: Path, problems: Problems) -> Iterator[tuple[str, Record]]:
    """Yields the records of a table, of which the first names the columns."""
    encoding = encoding_of(path, None)
    found = dialect.records(path, dialect.dialect_of(path, encoding, None, quotes=True))
    _, names = next(found, ("", []))
    for where, values in found:
        if len(values) == len(names):
            yield where, dict(zip(names, values, strict=True))
        else:
            what = f"has {len(values)} fields where there are {len(names)} columns"
            problems.add(where, f"{what}; export the file again")
