"""Importer for CSV and TSV: what the file does not say of itself is found out, and told."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

import msgspec

from appliance.data import Imported
from appliance.data.check import Problems, printable, quoted, refused
from appliance.data.choices import Choices
from appliance.data.columns import MissingColumns, Row, required
from appliance.data.encoding import encoding_of
from appliance.data.rows import fixed_task
from appliance.errors import InputError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SNIFFED = 100
"""Records by which the delimiter is found, and whether the first one names the columns."""

LONGEST_NAME = 64

LONGEST_FIELD = 1 << 24
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_number = re.compile(r"[-+]?\d+([.,]\d+)*%?")
_span = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*\]")

Record = tuple[str, list[str]]
"""A record with its place in the file."""


def read_table(
    path: Path,
    choices: Choices,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Imported:
    """A task from records with the fields of its kind (``rows.fixed_task``).

    Columns are called as the first record says, or 1, 2, 3 and so on without a ``header``. The
    entities of a relation are "[start, end]" in characters of the text, or a string that occurs in
    it once; lists of strings are divided, other lists JSON. ``encoding``, ``delimiter`` and
    ``header`` are found out unless they are given.
    """
    encoding = encoding_of(path, encoding)
    delimiter = delimiter or _delimiter(path, encoding)
    sniffed = [values for _, values in islice(_records(path, encoding, delimiter), SNIFFED)]
    if not sniffed:
        raise refused(path, "is empty; it needs one row for each example")
    if header is None:
        header = _headed(sniffed, [choices.columns.get(f, f) for f in required(choices.kind)])
    records = _records(path, encoding, delimiter)
    first = next(records)
    names = _names(path, first[1], header)
    problems = Problems(path, skip=choices.skip)
    cells = {choices.columns.get(field, field): read for field, read in CELLS.items()}
    rows = (
        (where, _row(names, values, cells))
        for where, values in (records if header else chain([first], records))
        if _fits(where, values, names, problems)
    )
    divided = DELIMITERS.get(delimiter, quoted(delimiter))
    columns = ", ".join(map(quoted, names))
    read_as = encoding.removesuffix("-sig")
    named = "columns" if header else "no header, columns"
    note = f"read as {read_as}, divided by {divided}; {named}: {columns}"
    try:
        return fixed_task(path, rows, problems, choices, notes=[note])
    except MissingColumns as error:
        hint = (
            "if the first record is a row already, give --no-header"
            if header
            else "the first record is read as a row; if it names the columns, give --header"
        )
        raise MissingColumns(f"{error}; {hint}", error.fields, error.seen) from None


def _delimiter(path: Path, encoding: str) -> str:
    """The one by which most records have as many fields as the first; of several the one that
    makes most fields."""

    def score(delimiter: str) -> tuple[int, int]:
        counts = []
        with suppress(InputError):
            for _, values in islice(_records(path, encoding, delimiter), SNIFFED):
                counts.append(len(values))
        if not counts or counts[0] < 2:
            return 0, 0
        return Counter(counts)[counts[0]], counts[0]

    return max(DELIMITERS, key=score)


def _headed(records: Sequence[Sequence[str]], wanted: Sequence[str]) -> bool:
    """Whether the first record names the columns: it does where a ``wanted`` name stands in it, and
    not where columns are wanted by their numbers; else where nothing in it looks like a value: a
    number, something long, or what comes again below, as labels do."""
    first = [value.strip() for value in records[0]]
    if set(wanted) & set(first):
        return True
    if all(name.isdecimal() for name in wanted):
        return False
    below = [{value.strip() for value in column} for column in zip(*records[1:], strict=False)]
    again = any(value in column for value, column in zip(first, below, strict=False) if value)
    return not again and all(len(v) <= LONGEST_NAME and not _number.fullmatch(v) for v in first)


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[Record]:
    """Records that hold anything. Raises InputError where the file cannot be read on."""
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            where = f"line {reader.line_num + 1}"
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                what = (
                    f"{where}: cannot be read: {error}; is a quotation mark open, or not doubled?"
                )
                raise refused(path, what) from None
            if any(value.strip() for value in values):
                yield where, values


def _names(path: Path, first: Sequence[str], header: bool) -> list[str]:
    if not header:
        return [str(number) for number in range(1, len(first) + 1)]
    names = [name.strip() for name in first]
    if twice := [name for name, count in Counter(names).items() if count > 1 and name]:
        raise refused(path, f"two columns are called {quoted(twice[0])}; rename one")
    return names


def _fits(where: str, values: Sequence[str], names: Sequence[str], problems: Problems) -> bool:
    if len(values) == len(names):
        return True
    what = f"has {len(values)} fields where there are {len(names)} columns"
    shown = printable(values[0])[:40]
    problems.add(where, f"{what} (it begins {quoted(shown)}); quote a field that holds a delimiter")
    return False


def _row(names: Sequence[str], values: Sequence[str], cells: Mapping[str, Cell]) -> Row:
    read = {
        name: cells[name](value) if name in cells else value
        for name, value in zip(names, values, strict=True)
    }
    return {name: value for name, value in read.items() if name and value is not None}


def _entity(cell: str) -> object:
    """A span where it is written as one."""
    found = _span.fullmatch(cell.strip())
    return [int(number) for number in found.groups()] if found else cell


def _flag(cell: str) -> object:
    """True or false in the words that spreadsheets use; nothing where nothing is said."""
    word = cell.strip().lower()
    return WORDS.get(word, cell) if word else None


def _listed(cell: str) -> object:
    """A JSON list where it is one."""
    try:
        return msgspec.json.decode(cell, type=list[object]) if cell.lstrip()[:1] == "[" else cell
    except (msgspec.DecodeError, RecursionError):
        return cell


Cell = Callable[[str], object]
CELLS: Mapping[str, Cell] = {
    "head": _entity,
    "tail": _entity,
    "may_ship": _flag,
    "spans": _listed,
    "choices": _listed,
}
"""How cells are read that hold no plain text."""
