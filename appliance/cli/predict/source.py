"""The file whose rows are answered: its format, and what of it a person names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.data.choices import Choices
from appliance.data.formats import FORMATS
from appliance.errors import InputError
from appliance.files import refused
from appliance.kinds import KINDS, Kind

if TYPE_CHECKING:
    from appliance.data.read.source import Source

ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
"""The format of a file with each ending, unless --format says otherwise."""

EVERY = ("jsonl", "csv", "parquet", *FORMATS)


def format_of(file: Path, given: str | None) -> str:
    """The file's format. Raises UsageError where its ending does not say it."""
    found = given or ("parquet" if file.is_dir() else ENDINGS.get(file.suffix.lower()))
    if found is None:
        known = ", ".join(EVERY)
        raise click.UsageError(f"{file.name}: give its --format, which is one of {known}")
    return found


def source_of(file: Path, format: str, choices: Choices, options: dict[str, Any]) -> Source:
    """Opens the file; ``options`` are those of CSV. Raises InputError where it cannot be read, and
    for the format of another kind of task."""
    from appliance.data.formats import parquet
    from appliance.data.read import jsonl, table
    from appliance.data.read.source import Source

    if not file.exists():
        raise refused(file, "does not exist; check the path")
    if format == "jsonl":
        return jsonl.source(file, choices)
    if format == "csv":
        return table.source(file, choices, **options)
    if format == "parquet":
        return Source(file, partial(parquet.rows, file, split=None))
    own: Kind = FORMATS[format].KIND
    if own != choices.kind:
        fields = ", ".join(KINDS[choices.kind].fields)
        raise InputError(
            f"{format} files hold rows of kind {own}, and this prompt answers {choices.kind}: "
            f"give a file of rows with {fields}"
        )
    return Source(file, partial(FORMATS[format].rows, file))
