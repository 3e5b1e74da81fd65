"""The one writer: stdout is data, stderr is narration, and control characters reach neither."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.errors import StropError
from appliance.text import printable

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """With ``as_json`` stdout carries one JSON document and nothing else, for errors too."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, schema: str, document: Mapping[str, Any], text: str) -> None:
        """Prints what the command was asked for: the document, or the same as text."""
        if self.as_json:
            self._print(json_text({"schema": schema, **document}))
        elif text:
            self._print(safe(text.rstrip("\n")))

    def error(self, message: str, code: int, more: Mapping[str, Any] | None = None) -> None:
        """Says an error. With ``as_json`` it prints its document too, which alone has ``more``."""
        self.say(f"error: {message}")
        if self.as_json and sys.stdout is not None:
            document = {"schema": "strop/error/1", "error": safe(message), "exit_code": code}
            self._print(json_text({**document, **(more or {})}))

    def help(self, text: str, code: int) -> None:
        """Says what there is where a command lacks its arguments."""
        self.say(text)
        if self.as_json:
            self.error("a command is missing", code)

    def say(self, text: str) -> None:
        """Writes narration: one or more lines for the person."""
        click.echo(drawable(safe(text), getattr(sys.stderr, "encoding", None)), err=True)

    def can_redraw(self) -> bool:
        """Whether stderr is a terminal on which a display can be redrawn in place."""
        terminal = sys.stderr is not None and sys.stderr.isatty()
        return terminal and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")

    def console(self) -> Console:
        """A console for a display on stderr; nothing in its text is taken for markup."""
        from rich.console import Console

        return Console(stderr=True, markup=False, highlight=False, emoji=False)

    def data(self, text: str) -> None:
        """Prints rows as they are, in UTF-8 whatever the terminal's encoding is."""
        self._write(text.encode())

    def _print(self, text: str) -> None:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self._write(f"{text}\n".encode(encoding, "backslashreplace"))

    def _write(self, data: bytes) -> None:
        if sys.stdout is None:  # closed when the process began
            raise StropError("stdout is closed; send it to a terminal, a pipe or a file")
        try:
            click.echo(data, nl=False)
        except OSError:
            # What is left in the buffer would fail once more when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise


def drawable(text: str, encoding: str | None) -> str:
    """The text in what an encoding has: plain signs for those by which narration is drawn, escapes
    for other characters."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.replace("…", "...").replace("│", "|")
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def safe(text: str) -> str:
    """The lines of a text, with every character escaped that is not visible."""
    return "\n".join(printable(line) for line in text.split("\n"))


def json_text(document: Mapping[str, Any]) -> str:
    """Indented JSON in ASCII: exact, and harmless on a terminal."""
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    return re.sub(r"[^\n -~]+", _as_escapes, encoded)


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows in left-aligned columns under their headings."""
    table = [[printable(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def _width(cell: str) -> int:
    """How many columns of a terminal the cell takes: a Chinese character takes two of them, a
    combining one none."""
    if cell.isascii():
        return len(cell)
    try:
        from rich.cells import cell_len
    except ModuleNotFoundError:  # the base install has no rich, and lists models all the same
        return len(cell)
    return cell_len(cell)


def _as_escapes(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex(" ", 2).split()
    return "".join(rf"\u{unit}" for unit in units)
