"""The commands of ``strop task import`` for published formats and for exports of annotation
tools."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from appliance.cli.options import example
from appliance.cli.output import Output
from appliance.cli.task.choosing import Option, format_options, tool_options
from appliance.cli.task.files import read_files
from appliance.cli.task.importing import keep
from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import FORMATS, TOOLS, Format, Tool, annotated
from appliance.data.formats.text import Placed
from appliance.data.read.source import Source

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
        own = {option: given.pop(option) for option in OWN.get(name, {})}
        brought = {
            "usual_none": format.NONE,
            "kind": format.KIND,
            "origin": format.ORIGIN,
            "licence": format.LICENCE,
        }

        def source(path: Path, choices: Choices) -> Source:
            return Source(path, partial(format.rows, path, **own))

        imported = read_files(out, file, {**given, **brought}, source)
        keep(out, imported, f"strop/task-import-{name}/1")

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
        def source(path: Path, choices: Choices) -> Source:
            def rows(problems: Problems) -> Iterator[Placed]:
                found = tool.annotated(path, problems, choices)
                return annotated.rows(found, choices, problems)

            # The rows have the names of their fields already.
            return Source(path, rows, columns={})

        keep(out, read_files(out, file, given, source), f"strop/task-import-{name}/1")

    return command
