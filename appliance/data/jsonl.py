"""Importer for JSON Lines, or one JSON array: a row is an object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from appliance.data import Imported
from appliance.data.check import Problems, read_utf8, refused
from appliance.data.rows import Choices, Row, fixed_task


def read_jsonl(path: Path, choices: Choices) -> Imported:
    """A task from objects with the fields of its kind (``rows.fixed_task``).

    The entities of a relation are [start, end) in characters of the text, or a string that occurs
    in it once.
    """
    problems = Problems(path)
    rows = _rows(path, problems)
    return fixed_task(path, rows, problems, choices)


def _rows(path: Path, problems: Problems) -> list[tuple[str, Row]]:
    """``[(place, row), ...]``; what is no JSON object becomes a problem."""
    rows: list[tuple[str, Row]] = []
    for where, value in _values(path, read_utf8(path, "one row for each example"), problems):
        if isinstance(value, dict):
            rows.append((where, value))
        else:
            problems.add(where, 'is not a JSON object; write {"text": ..., "label": ..., ...}')
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
        raise refused(path, "looks like CSV, not JSON; import it with: strop task import csv FILE")
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
