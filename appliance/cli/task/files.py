"""The files of an import: one, whose rows are split, or one for each split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.output import Output
from appliance.cli.task.asking import asked_for
from appliance.cli.task.choosing import choices_of
from appliance.data import Imported
from appliance.data.choices import Choices
from appliance.data.read.source import Source
from appliance.task import Split


def read_files(
    out: Output, file: Path, given: dict[str, Any], make: Callable[[Path, Choices], Source]
) -> Imported:
    """Reads FILE, and the files of the other splits if there are any.

    ``given`` are the options for the rows. Raises UsageError where options do not go together.
    """
    from appliance.data.read.rows import fixed_task

    selection, test = given.pop("selection"), given.pop("test")
    if selection and not test:
        raise click.UsageError("--selection has some of the rows beside a --test file; give both")
    if test and given.get("split_column"):
        raise click.UsageError("--split-column says nothing beside --test; leave one of them out")
    files: dict[Split | None, Path] = {None: file}
    if test:
        own: dict[Split | None, Path | None] = {
            "tuning": file,
            "selection": selection,
            "test": test,
        }
        files = {split: path for split, path in own.items() if path}

    def read(choices: Choices) -> Imported:
        made = {split: make(path, choices) for split, path in files.items()}
        sources = [msgspec.structs.replace(one, split=split) for split, one in made.items()]
        return fixed_task(sources, choices)

    return asked_for(out, read, choices_of(file, given))
