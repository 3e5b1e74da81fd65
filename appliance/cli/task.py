"""``strop task``: labelled examples in, and what is there."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance import show, tasks
from appliance.cli.lookups import find_task
from appliance.cli.options import F, example, json_option, open_store
from appliance.cli.output import Output, columns
from appliance.data import Imported
from appliance.data.check import printable, quoted
from appliance.data.rows import Choices
from appliance.task import FIELDS
from store import tasks as stored
from store.records import TaskRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

PREVIEWED = 2
"""Rows that are shown after an import."""

file_argument = click.argument("file", type=click.Path(path_type=Path))
name_option = click.option("--name", help="Name of the task; else the file's.")
seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Decides the split."
)
may_ship_option = click.option(
    "--may-ship", is_flag=True, help="Rows may stand in a prompt that leaves this machine."
)


def _pairs(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    named = [pair.partition("=") for pair in given]
    if any(not (field and sign and column) for field, sign, column in named):
        raise click.BadParameter("write FIELD=NAME, as in text=sentence")
    return {field: column for field, _, column in named}


@click.group(epilog=example("strop task list"))
def task() -> None:
    """Import tasks and look at them."""


@task.group("import", epilog=example("strop task import jsonl notes.jsonl --name notes"))
def import_task() -> None:
    """Read labelled examples from a file, check them, split them once and store them."""


@import_task.command(
    "fewrel",
    epilog=example(
        "strop task import fewrel val_wiki.json --names pid2name.json --name fewrel",
        "strop task import fewrel val_wiki.json --names pid2name.json --episodes episodes.json",
    ),
)
@file_argument
@click.option("--names", required=True, type=click.Path(path_type=Path), help="pid2name.json")
@click.option("--episodes", type=click.Path(path_type=Path), help="Fixed episodes with a prompt.")
@name_option
@seed_option
@may_ship_option
@json_option
@click.pass_obj
def import_fewrel(
    out: Output,
    file: Path,
    names: Path,
    episodes: Path | None,
    name: str | None,
    seed: int,
    may_ship: bool,
) -> None:
    """Import FewRel's FILE as few-shot episodes (5-way 1-shot, or those of --episodes)."""
    from appliance.data.fewrel import read_fewrel

    imported = read_fewrel(
        file, names, name=_name(name, file), episodes=episodes, seed=seed, may_ship=may_ship
    )
    _store(out, imported, "strop/task-import-fewrel/1")


def rows_options(command: F) -> F:
    """What an importer of rows with one list of labels takes."""
    for option in (
        file_argument,
        name_option,
        click.option(
            "--kind",
            type=click.Choice(tuple(FIELDS)),
            default="relation",
            show_default=True,
            help="What is predicted: how two entities are related, or a label of the text.",
        ),
        click.option("--none", metavar="LABEL", help="The label that means none of the above."),
        click.option(
            "--column",
            "columns",
            multiple=True,
            callback=_pairs,
            metavar="FIELD=NAME",
            help="May be repeated.",
        ),
        seed_option,
        may_ship_option,
        json_option,
    )[::-1]:
        command = option(command)
    return command


@import_task.command(
    "jsonl",
    epilog=example(
        "strop task import jsonl notes.jsonl --none no_relation",
        "strop task import jsonl notes.jsonl --column text=sentence --column label=relation",
        "strop task import jsonl tickets.jsonl --kind classify",
    ),
)
@rows_options
@click.pass_obj
def import_jsonl(out: Output, /, file: Path, **given: Any) -> None:
    """Import rows of FILE, one JSON object a line: text, head, tail and label.

    Head and tail are [start, end) in characters of the text, or a string that occurs in it once;
    texts to classify have none. A row may carry may_ship and group.
    """
    from appliance.data.jsonl import read_jsonl

    _store(out, read_jsonl(file, _choices(file, given)), "strop/task-import-jsonl/1")


@import_task.command(
    "csv",
    epilog=example(
        "strop task import csv tickets.csv --kind classify",
        "strop task import csv notes.tsv --column text=Sentence --column label=Relation",
        "strop task import csv bare.csv --no-header --kind classify --column text=2 "
        "--column label=1",
    ),
)
@rows_options
@click.option("--delimiter", metavar="CHARACTER", help="Else it is found out.")
@click.option("--encoding", metavar="NAME", help="Else it is found out.")
@click.option("--no-header", is_flag=True, help="The first record is a row; columns are 1, 2, ...")
@click.pass_obj
def import_csv(
    out: Output,
    /,
    file: Path,
    delimiter: str | None,
    encoding: str | None,
    no_header: bool,
    **given: Any,
) -> None:
    """Import rows of FILE, comma, semicolon or tab separated: text, head, tail and label.

    Columns are those of JSON Lines; an entity that is written as [3, 9] is characters 3 to 8.
    """
    from appliance.data.table import read_table

    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        what = "give one character, no quotation mark and no line break"
        raise click.BadParameter(what, param_hint="--delimiter")
    imported = read_table(
        file,
        _choices(file, given),
        encoding=encoding,
        delimiter=delimiter,
        header=not no_header,
    )
    _store(out, imported, "strop/task-import-csv/1")


@task.command("list", epilog=example("strop task list"))
@json_option
@click.pass_obj
def list_tasks(out: Output) -> None:
    """List the tasks, oldest first."""
    db = open_store()
    found = [_described(db, record) for record in stored.all(db)]
    headings = ("task", "id", "kind", "protocol", "labels", "rows", "tuning/selection/test")
    rows = [_row(task) for task in found]
    if not rows:
        out.say("no task yet; import one with: strop task import jsonl FILE")
    out.result("strop/task-list/1", {"tasks": found}, columns(headings, rows) if rows else "")


@task.command("show", epilog=example("strop task show sample"))
@click.argument("name")
@json_option
@click.pass_obj
def show_task(out: Output, name: str) -> None:
    """Show a task: its labels, its splits and the prompt that it starts from."""
    db = open_store()
    record = find_task(db, name)
    found = _described(db, record)
    seed = msgspec.json.decode(record.body, type=tasks.Stored).seed
    out.result(
        "strop/task-show/1",
        {**found, "seed_prompt": seed.id, "seed_text": show.plain(seed)},
        f"{_text(found)}\n\nseed prompt {seed.id}\n{show.plain(seed)}",
    )


def _name(given: str | None, file: Path) -> str:
    """The task's name: as given, else the file's; one that can be shown and typed again."""
    name = file.stem if given is None else given
    if not name.strip() or name.startswith("-") or printable(name) != name:
        raise click.UsageError(
            f"{quoted(name)} cannot be the name of a task: it has to be one line of visible "
            "characters that does not begin with -; give another one with --name"
        )
    return name


def _choices(file: Path, given: dict[str, Any]) -> Choices:
    return Choices(**{**given, "name": _name(given["name"], file)})


def _store(out: Output, imported: Imported, schema: str) -> None:
    db = open_store()
    for note in imported.notes:
        out.say(f"note: {note}")
    seed = imported.seed or tasks.plain_seed(imported.task.kind, {})
    for case in imported.cases["tuning"][:PREVIEWED]:
        out.say("a row as a demonstration shows it:")
        for line in show.demonstration(seed, imported.task, case).splitlines():
            out.say(f"  {printable(line)}")
    record = find_task(db, tasks.save(db, imported))
    out.say(f"tune it with: strop tune {shlex.quote(record.name)} --minutes 10")
    found = _described(db, record)
    out.result(schema, {**found, "notes": imported.notes}, _text(found))


def _described(db: Database, record: TaskRecord) -> dict[str, Any]:
    task = msgspec.json.decode(record.body, type=tasks.Stored).task
    counts = stored.counts(db, record.id)
    return {
        "task": record.name,
        "id": record.id,
        "kind": task.kind,
        "protocol": task.protocol,
        "metric": task.metric,
        "none": task.none,
        "labels": task.labels,
        "rows": counts.rows,
        "may_ship": counts.may_ship,
        "cases": {"tuning": counts.tuning, "selection": counts.selection, "test": counts.test},
        "split_hash": record.split_hash,
        "licence": task.licence,
        "origin": task.origin,
        "created_at": record.created_at,
    }


def _text(found: dict[str, Any]) -> str:
    cases = ", ".join(f"{n} {split}" for split, n in found["cases"].items())
    lines = [
        f"task {found['task']} ({found['id']}): {found['kind']}, {found['protocol']}",
        f"{found['rows']} rows, of which {found['may_ship']} may ship; cases: {cases}",
        f"{len(found['labels'])} labels:",
    ]
    lines += [
        f"  {label.name}"
        + (f": {label.description}" if label.description else "")
        + (" (none of the above)" if label.name == found["none"] else "")
        for label in found["labels"]
    ]
    return "\n".join(lines)


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    sizes = "/".join(str(n) for n in found["cases"].values())
    names = (found["task"], found["id"], found["kind"], found["protocol"])
    return (*names, str(len(found["labels"])), str(found["rows"]), sizes)
