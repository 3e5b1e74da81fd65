"""``strop task import``: reads labelled examples from files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from appliance.cli.options import example
from appliance.cli.output import Output
from appliance.cli.task.choosing import rows_options
from appliance.cli.task.episodes import import_fewrel, import_fs_tacred
from appliance.cli.task.files import read_files
from appliance.cli.task.formats import commands
from appliance.cli.task.importing import keep
from appliance.data.choices import Choices
from appliance.data.read.source import Source


def _character(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    found = "\t" if given is not None and given.lower() in ("tab", "\\t") else given
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise click.BadParameter("give one character, no quotation mark and no line break, or TAB")
    return found


@click.group("import", epilog=example("strop task import jsonl notes.jsonl --name notes"))
def import_task() -> None:
    """Read labelled examples from a file, check them, split them once and store them."""


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
    """Import rows of FILE, one JSON object a line, or one JSON array of them.

    A row has a text and, as --kind says: head, tail and label; label; answer; spans; question and
    answer. It may have may_ship and group.
    """
    from appliance.data.read import jsonl

    keep(out, read_files(out, file, given, jsonl.source), "strop/task-import-jsonl/1")


@import_task.command(
    "csv",
    epilog=example(
        "strop task import csv tickets.csv --kind classify",
        "strop task import csv notes.tsv --column text=Sentence --column label=Relation",
        "strop task import csv bare.csv --kind classify --column text=2 --column label=1",
    ),
)
@rows_options
@click.option(
    "--delimiter", metavar="CHARACTER", callback=_character, help="Or TAB. Else it is found out."
)
@click.option(
    "--quotes/--no-quotes",
    default=None,
    help="Whether quotation marks enclose fields or are text. Else they enclose, and a field that "
    "looks like several records is refused.",
)
@click.option("--encoding", metavar="NAME", help="Else it is found out.")
@click.option(
    "--header/--no-header",
    default=None,
    help="Whether the first record names the columns, which are 1, 2, ... without. Else it is "
    "found out.",
)
@click.pass_obj
def import_csv(
    out: Output,
    /,
    file: Path,
    delimiter: str | None,
    quotes: bool | None,
    encoding: str | None,
    header: bool | None,
    **given: Any,
) -> None:
    """Import rows of FILE, comma, semicolon or tab separated.

    Columns are the fields of JSON Lines; an entity that is written as [3, 9] is characters 3 to 8.
    """
    from appliance.data.read import table

    source = partial(
        table.source, encoding=encoding, delimiter=delimiter, quotes=quotes, header=header
    )
    keep(out, read_files(out, file, given, source), "strop/task-import-csv/1")


@import_task.command(
    "parquet",
    epilog=example(
        "strop task import parquet train.parquet --kind classify",
        "strop task import parquet folder --split train --column label=relation",
    ),
)
@rows_options
@click.option("--split", metavar="NAME", help="Of a folder that holds several.")
@click.pass_obj
def import_parquet(out: Output, /, file: Path, split: str | None, **given: Any) -> None:
    """Import rows of FILE: Parquet, or a folder that Hugging Face's save_to_disk wrote.

    Columns are the fields of JSON Lines; a field of a struct is called struct.field.
    """
    from appliance.data.formats import parquet

    def source(path: Path, choices: Choices) -> Source:
        return Source(path, partial(parquet.rows, path, split=split))

    keep(out, read_files(out, file, given, source), "strop/task-import-parquet/1")


for _command in commands():
    import_task.add_command(_command)
import_task.add_command(import_fewrel)
import_task.add_command(import_fs_tacred)
