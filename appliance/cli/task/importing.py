"""The parts that all commands of ``strop task import`` share: options, and how tasks are stored."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
import msgspec

from appliance.cli.lookups import find_task
from appliance.cli.options import open_store
from appliance.cli.output import Output
from appliance.cli.task.counts import counts, majority, shown
from appliance.cli.task.provable import provable
from appliance.cli.task.text import described, text
from appliance.data import Imported, tasks
from appliance.prompts import show
from appliance.prompts.prompt import Prompt
from appliance.prompts.seeds import plain_seed
from appliance.task import Case, Task
from appliance.text import printable, quoted
from store import tasks as stored

PREVIEWED = 2
"""Rows that are shown after an import."""

LINES, WIDTH = 12, 200
"""The most lines of a row that are shown, and the most characters of each line."""

file_argument = click.argument("file", type=click.Path(path_type=Path))
name_option = click.option("--name", help="Name of the task; else the file's.")
seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Decides the split."
)
may_ship_option = click.option(
    "--may-ship", is_flag=True, help="Rows may stand in a prompt that leaves this machine."
)


def task_name(given: str | None, file: Path) -> str:
    """The name given, else the file's.

    Raises UsageError where it cannot be shown and typed again.
    """
    name = file.stem if given is None else given
    if not name.strip() or name.startswith("-") or printable(name) != name:
        raise click.UsageError(
            f"{quoted(name)} cannot be the name of a task: it has to be one line of visible "
            "characters that does not begin with -; give another one with --name"
        )
    return name


def keep(out: Output, imported: Imported, schema: str) -> None:
    """Stores a task, and shows it: two of its rows as demonstrations, how often each label is
    right, and what the test rows can prove."""
    db = open_store()
    for note in imported.notes:
        out.say(f"note: {note}")
    seed = imported.seed or plain_seed(imported.task, {}, imported.cases["tuning"])
    for case in islice(imported.cases["tuning"], PREVIEWED):
        out.say("a row as a demonstration shows it:")
        for line in _preview(seed, imported.task, case):
            out.say(f"  {line}")
    before = {record.id for record in stored.all(db)}
    record, kept_as = find_task(db, tasks.save(db, imported)), None
    if record.id in before:
        out.say(f"task {record.name} is there already with this content; nothing was changed")
    elif imported.in_place_of is not None:
        kept_as = find_task(db, imported.in_place_of).name
        out.say(f"what the task was before is kept with its runs as task {kept_as}")
    found = counts(imported.task, imported.cases)
    commonest = majority(imported.task, imported.cases)
    if table := shown(imported.task, found, commonest):
        out.say(table)
    out.say(proves := provable(imported.task, imported.cases["test"]))
    out.say(f"tune it with: strop tune {shlex.quote(record.name)} --minutes 10")
    task = described(db, record)
    told = {
        "kept_as": kept_as,
        "notes": imported.notes,
        "counts": found,
        "majority": commonest,
        "provable": proves,
    }
    out.result(schema, {**task, **told}, text(task))


def _preview(seed: Prompt, task: Task, case: Case) -> Iterator[str]:
    """Yields the lines of a row as the model sees it, shortened for a person to read."""
    if "reasoning" in seed.slots and not case.query.reasoning:
        query = msgspec.structs.replace(case.query, reasoning="[the row has none]")
        case = msgspec.structs.replace(case, query=query)
    lines = show.demonstration(seed, task, case).rstrip().splitlines()
    for line in lines[:LINES]:
        yield printable(line if len(line) <= WIDTH else f"{line[:WIDTH]}…")
    if more := len(lines[LINES:]):
        yield f"… and lines that are not shown here: {more}"
