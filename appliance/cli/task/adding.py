"""The options of an import whose rows are added to a task, which says the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from msgspec.structs import replace

from appliance.cli.lookups import find_task
from appliance.cli.options import open_store
from appliance.cli.task.choosing import OF_KIND, choices_of
from appliance.data import Earlier, tasks
from appliance.data.choices import Choices
from appliance.files import refused
from appliance.kinds import KINDS
from appliance.text import quoted

SPLITTING = ("test", "selection", "sizes", "seed", "split_column", "split_values")
SAID = frozenset({"name", "kind", *OF_KIND, "metric", *SPLITTING})
"""The options that say what a task says."""


def adding(to: str, file: Path, given: dict[str, Any]) -> tuple[Earlier, Choices]:
    """The task that is added to, and the choices that make its rows of those of FILE.

    Raises UsageError where an option says what the task says, and InputError where the task cannot
    have rows of this format.
    """
    context = click.get_current_context()
    db = open_store()
    earlier = tasks.earlier(db, find_task(db, to))
    task = earlier.task
    for option in context.command.params:
        name = option.name or ""
        if name in SAID and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            what = f"{option.opts[0]} says nothing beside --add-to"
            raise click.UsageError(f"{what}: task {quoted(task.name)} says it; leave it out")
    if "kind" not in context.params and given["kind"] != task.kind:
        what = f"holds rows of the kind {given['kind']}"
        raise refused(
            file,
            f"{what}, and task {quoted(task.name)} is of the kind {task.kind}; add them to another",
        )
    said: dict[str, Any] = {"name": task.name, "kind": task.kind, "none": task.none}
    said |= {"several": task.several, "metric": task.metric}
    if KINDS[task.kind].comparison == "match":
        said["match"] = task.match
    rest = {name: value for name, value in given.items() if name not in SAID}
    return earlier, replace(
        choices_of(file, {**rest, **said}), labels=task.labels or None, adding=True
    )
