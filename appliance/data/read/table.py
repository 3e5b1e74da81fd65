"""Reads CSV and TSV. It finds out what the file does not say of itself, and reports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.lines import refuse_lines
from appliance.data.formats.looks import refuse_json
from appliance.data.read.cells import CELLS, Cell
from appliance.data.read.columns import Record, Row, required
from appliance.data.read.dialect import (
    SNIFFED,
    UNCLOSED,
    Dialect,
    dialect_of,
    headed,
    joined,
    records,
)
from appliance.data.read.encoding import encoding_of
from appliance.data.read.source import Source
from appliance.files import refused
from appliance.text import printable, quoted

NEEDED = "it needs one row for each example"
HEADED = "if the first record is a row already, give --no-header"
HEADLESS = "the first record is read as a row; if it names the columns, give --header"


def source(
    path: Path,
    choices: Choices,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    quotes: bool | None = None,
    header: bool | None = None,
) -> Source:
    """Records with the fields of a kind (``rows.fixed_task``).

    The first record names the columns; without a ``header`` they are called 1, 2, 3 and so on. In
    both cases a number that is no column's name stands for a position. An entity of a relation is
    "[start, end]" in characters of the text, or a string that occurs in it once. ``spans`` are
    JSON.

    ``encoding``, ``delimiter`` and ``header`` are found out unless they are given. ``quotes`` says
    whether quotation marks enclose fields. If it is None they do, and a record that a stray
    quotation mark seems to have joined with others is refused.
    """
    encoding = encoding_of(path, encoding)
    with path.open(encoding=encoding) as text:
        start = text.read(4096)
    refuse_json(path, start)
    if not choices.columns and not choices.label_columns:
        refuse_lines(path, start)
    dialect = dialect_of(path, encoding, delimiter, quotes is not False)
    sniffed = [values for _, values in islice(records(path, dialect), SNIFFED)]
    if not sniffed:
        raise refused(path, f"is empty; {NEEDED}")
    if header is None:
        wanted = {choices.columns.get(field, field) for field in required(choices.kind)}
        wanted |= {*choices.columns.values(), *choices.label_columns}
        header = headed(sniffed, wanted)
    names = _names(path, sniffed[0], header)
    columns = ", ".join(map(quoted, names))
    if header and len(sniffed) == 1:
        what = f"has a header and no row: {columns}"
        raise refused(path, f"{what}; {NEEDED}, or give --no-header if this is one")
    by_name = _by_name(names, choices.columns)
    cells = {by_name.get(field, field): read for field, read in CELLS.items()}

    def rows(problems: Problems) -> Iterator[tuple[str, Row]]:
        check = _Check(names, dialect, problems, stray=quotes is None)
        for where, values in islice(records(path, dialect), int(header), None):
            if check.fits(where, values):
                yield where, _row(names, values, cells)

    named = "columns" if header else "no header, columns"
    note = f"read as {encoding.removesuffix('-sig')}, {dialect.divided}; {named}: {columns}"
    return Source(path, rows, by_name, note, HEADED if header else HEADLESS)


def _names(path: Path, first: Sequence[str], header: bool) -> list[str]:
    """The names of the columns. A column that the header leaves empty is called by its number, or
    "column 3" where another is called 3."""
    names = [name.strip() if header else "" for name in first]
    if twice := [name for name, count in Counter(names).items() if count > 1 and name]:
        raise refused(path, f"two columns are called {quoted(twice[0])}; rename one")
    return [name or _free(str(number), names) for number, name in enumerate(names, 1)]


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"column {name}"
    return name


def _by_name(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """The columns by name, where they may be given by their numbers, from 1."""
    positions = {str(number): name for number, name in enumerate(names, 1)}
    return {
        field: column if column in names else positions.get(column, column)
        for field, column in columns.items()
    }


class _Check:
    """Checks records, and adds those that are wrong to the problems.

    A record is wrong where its number of fields is not that of the columns; with ``stray`` also
    where a stray quotation mark seems to have joined several records.
    """

    def __init__(
        self, names: Sequence[str], dialect: Dialect, problems: Problems, *, stray: bool
    ) -> None:
        self._columns = len(names)
        self._dialect = dialect
        self._problems = problems
        self._stray = stray

    def fits(self, where: str, values: Sequence[str]) -> bool:
        begins = f"(it begins {quoted(printable(values[0])[:40])})"
        if len(values) != self._columns:
            count = "1 field" if len(values) == 1 else f"{len(values)} fields"
            what = f"has {count} where there are {self._columns} columns"
            remedy = "quote a field that holds a delimiter"
            if not self._dialect.quotes:
                remedy = "give another --delimiter, or leave out --no-quotes"
            elif any("\n" in value for value in values):
                remedy = UNCLOSED
            self._problems.add(where, f"{what}, {self._dialect.divided} {begins}; {remedy}")
        elif self._stray and joined(values, self._dialect.delimiter):
            what = f"a field holds lines that look like records of their own {begins}"
            right = "; if the record is right, give --quotes"
            self._problems.add(where, f"{what}; {UNCLOSED}{right}")
        else:
            return True
        return False


def _row(names: Sequence[str], values: Sequence[str], cells: Mapping[str, Cell]) -> Record:
    written = dict(zip(names, values, strict=True))
    read = {name: cells[name](value) if name in cells else value for name, value in written.items()}
    return Record(read, written)
