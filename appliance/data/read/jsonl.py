"""Importer for JSON Lines, or for one JSON array. Each row is an object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appliance.data import Imported
from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.stream import records
from appliance.data.read.rows import fixed_task

LAYOUT = 'one object for each row, as in {"text": ..., "label": ...}'


def read_jsonl(path: Path, choices: Choices) -> Imported:
    """Makes a task from objects with the fields of its kind (``rows.fixed_task``)."""
    problems = Problems(path, skip=choices.skip)
    return fixed_task(path, records(path, problems, dict[str, Any], LAYOUT), problems, choices)
