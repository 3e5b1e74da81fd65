"""The commands of ``strop task import`` for published formats and for exports of annotation
tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.options import example
from appliance.cli.output import Output
from appliance.cli.task.choosing import Option, choices_of, format_options, tool_options
from appliance.cli.task.importing import keep
from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, TOOLS, Format, Tool

_number = click.IntRange(1)
OWN: dict[str, dict[str, Option]] = {
    "conll": {
        "word_column": click.option(
            "--word-column", type=_number, metavar="NUMBER", help="From 1; else the first."
        ),
        "tag_column": click.option(
            "--tag-column", type=_number, metavar="NUMBER", help="From 1; else the last."
        ),
    }
}
"""The options that only one format has, by the names of its reader's parameters."""

CONFINED = frozenset({"tacred"})
"""Formats of data whose licence lets no row leave the machine."""


def commands() -> Iterator[click.Command]:
    """Yields one command for each format and each tool."""
    for name, format in FORMATS.items():
        yield _of_format(name, format)
    for name, tool in TOOLS.items():
        yield _of_tool(name, tool)


def _of_format(name: str, format: Format) -> click.Command:
    confined = " No row may leave this machine." if name in CONFINED else ""

    @click.command(
        name,
        help=f"Import FILE: {format.LAYOUT}.{confined}",
        epilog=example(f"strop task import {name} FILE --name mine"),
    )
    @format_options(format.KIND, *OWN.get(name, {}).values(), may_ship=not confined)
    @click.pass_obj
    def command(out: Output, /, file: Path, **given: Any) -> None:
        from appliance.data.read.rows import fixed_task

        own = {option: given.pop(option) for option in OWN.get(name, {})}
        choices = choices_of(
            file,
            given,
            usual_none=format.NONE,
            kind=format.KIND,
            origin=format.ORIGIN,
            licence=format.LICENCE,
        )
        problems = Problems(file, skip=choices.skip)
        rows = format.rows(file, problems, **own)
        keep(out, fixed_task(file, rows, problems, choices), f"strop/task-import-{name}/1")

    return command


def _of_tool(name: str, tool: Tool) -> click.Command:
    @click.command(
        name,
        help=f"Import FILE: {tool.LAYOUT}.",
        epilog=example(
            f"strop task import {name} FILE --kind {tool.KINDS[0]} --name mine",
            f"strop task import {name} FILE --kind {tool.KINDS[1]} --column text=body",
        ),
    )
    @tool_options(tool.KINDS)
    @click.pass_obj
    def command(out: Output, /, file: Path, **given: Any) -> None:
        from appliance.data.formats import annotated
        from appliance.data.read.rows import fixed_task

        choices = choices_of(file, given)
        problems = Problems(file, skip=choices.skip)
        rows = annotated.rows(tool.annotated(file, problems, choices), choices, problems)
        # The tool's own names are mapped already.
        choices = msgspec.structs.replace(choices, columns={})
        keep(out, fixed_task(file, rows, problems, choices), f"strop/task-import-{name}/1")

    return command
