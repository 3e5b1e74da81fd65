"""Importer for JSON Lines, or for one JSON array. Each row is an object."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from appliance.data import Imported
from appliance.data.choices import Choices
from appliance.data.formats.stream import records
from appliance.data.read.rows import fixed_task
from appliance.data.read.source import Source

LAYOUT = 'one object for each row, as in {"text": ..., "label": ...}'


def source(path: Path, choices: Choices) -> Source:
    """Objects with the fields of a kind (``rows.fixed_task``)."""
    return Source(path, partial(records, path, kind=dict[str, Any], layout=LAYOUT))


def read_jsonl(path: Path, choices: Choices) -> Imported:
    """Makes a task from one file."""
    return fixed_task([source(path, choices)], choices)
