"""Importer for JSON Lines, or for one JSON array. Each row is an object."""

from __future__ import annotations

from codecs import BOM_UTF8
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from appliance.data import Imported
from appliance.data.choices import Choices
from appliance.data.formats.stream import records
from appliance.data.formats.text import CHUNK
from appliance.data.read.rows import fixed_task
from appliance.data.read.source import Source

LAYOUT = 'one object for each row, as in {"text": ..., "label": ...}'


def source(path: Path, choices: Choices) -> Source:
    """Objects with the fields of a kind (``rows.fixed_task``)."""
    rows = partial(records, path, kind=dict[str, Any], layout=LAYOUT)
    return Source(path, rows, note="read as one JSON array" if _is_array(path) else "")


def _is_array(path: Path) -> bool:
    """Whether a file begins as a JSON array does. A pipe is not looked into, since it can be read
    only once."""
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(CHUNK).removeprefix(BOM_UTF8).lstrip().startswith(b"[")
    return False


def read_jsonl(path: Path, choices: Choices) -> Imported:
    """Makes a task from one file."""
    return fixed_task([source(path, choices)], choices)
