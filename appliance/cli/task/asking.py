"""Asks the person at the terminal, where there is one, for missing columns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO, TypeVar

import click
import msgspec

from appliance.cli.output import Output, columns
from appliance.data.choices import Choices
from appliance.data.read.columns import MissingColumns, option
from appliance.text import quoted

T = TypeVar("T")


def asked_for(out: Output, read: Callable[[Choices], T], choices: Choices) -> T:
    """Returns ``read(choices)``. Where columns are missing, asks which they are and reads again."""
    try:
        return read(choices)
    except MissingColumns as missing:
        if out.as_json or not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
            raise
        found = _columns(out, missing)
        mapped = {**choices.columns, **found}
        out.say("next time: " + " ".join(option(*pair) for pair in found.items()))
    return read(msgspec.structs.replace(choices, columns=mapped))


def _columns(out: Output, missing: MissingColumns) -> dict[str, str]:
    """Asks for the column of each missing field, by its name or its number."""
    names = list(missing.seen)
    rows = [
        (str(number), name, quoted("" if value is None else str(value)))
        for number, (name, value) in enumerate(missing.seen.items(), 1)
    ]
    out.say(columns(("", "column", "first value"), rows))

    def column(given: str) -> str:
        if given in names:
            return given
        if given.isdecimal() and 0 < int(given) <= len(names):
            return names[int(given) - 1]
        raise click.UsageError(f"there is no column {quoted(given)}")

    return {
        field: click.prompt(f"which column is the {field}", value_proc=column, err=True)
        for field in missing.fields
    }


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
