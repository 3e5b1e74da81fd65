"""The options that say how a table is read and what it calls its fields."""

from __future__ import annotations

import click

from appliance.cli.options import F


def _pairs(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    named = [pair.partition("=") for pair in given]
    if any(not (field and sign and column) for field, sign, column in named):
        raise click.BadParameter("write FIELD=NAME, as in text=sentence")
    return {field: column for field, _, column in named}


def _character(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    found = "\t" if given is not None and given.lower() in ("tab", "\\t") else given
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise click.BadParameter("give one character, no quotation mark and no line break, or TAB")
    return found


column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_pairs,
    metavar="FIELD=NAME",
    help="What the file calls a field. May be repeated.",
)


def table_options(command: F) -> F:
    """Adds the options that replace what would be found out of a table."""
    options = (
        click.option(
            "--delimiter",
            metavar="CHARACTER",
            callback=_character,
            help="Or TAB. Else it is found out.",
        ),
        click.option(
            "--quotes/--no-quotes",
            default=None,
            help="Whether quotation marks enclose fields or are text. Else they enclose, and a "
            "field that looks like several records is refused.",
        ),
        click.option("--encoding", metavar="NAME", help="Else it is found out."),
        click.option(
            "--header/--no-header",
            default=None,
            help="Whether the first record names the columns, which are 1, 2, ... without. Else it "
            "is found out.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
