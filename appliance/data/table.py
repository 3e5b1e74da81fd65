"""Importer for CSV and TSV: what the file does not say of itself is found out, and told."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path

from appliance.data import Imported
from appliance.data.check import Problems, printable, quoted, read_bytes, refused
from appliance.data.rows import Choices, Row, fixed_task

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
FALLBACK = "windows-1252"
"""What a spreadsheet writes that does not write UTF-8."""

SNIFFED = 100
"""Records by which the delimiter is found."""

LONGEST_FIELD = 1 << 24
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_span = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*\]")

Record = tuple[str, list[str]]
"""A record with its place in the file."""


def read_table(
    path: Path,
    choices: Choices,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
) -> Imported:
    """A task from records with the fields of its kind (``rows.fixed_task``).

    Columns are called as the first record says, or 1, 2, 3 and so on without a ``header``. The
    entities of a relation are "[start, end]" in characters of the text, or a string that occurs in
    it once. ``encoding`` and ``delimiter`` are found out unless they are given.
    """
    text, read_as = _decoded(path, encoding)
    delimiter = delimiter or _delimiter(text)
    problems = Problems(path)
    records = list(_records(text, delimiter, problems))
    if not records:
        problems.raise_if_any()
        raise refused(path, "is empty; it needs one row for each example")
    names = _names(path, records[0][1], header)
    cells = {choices.columns.get(field, field): read for field, read in CELLS.items()}
    rows = [
        (where, _row(names, values, cells))
        for where, values in records[header:]
        if _fits(where, values, names, problems)
    ]
    divided = DELIMITERS.get(delimiter, quoted(delimiter))
    columns = ", ".join(map(quoted, names))
    note = f"read as {read_as}, divided by {divided}; columns: {columns}"
    return fixed_task(path, rows, problems, choices, notes=[note])


def _decoded(path: Path, encoding: str | None) -> tuple[str, str]:
    """The text, and the name of the encoding it was read in."""
    data = read_bytes(path)
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    tried = [encoding] if encoding else [marked] if marked else ["utf-8", FALLBACK]
    for name in tried:
        try:
            return data.decode(name), name.removesuffix("-sig")
        except LookupError:
            raise refused(path, f"there is no encoding {quoted(name)}; try utf-8") from None
        except UnicodeError as error:
            byte = error.start if isinstance(error, UnicodeDecodeError) else 0
    line = data.count(b"\n", 0, byte) + 1
    what = f"line {line}: byte {byte} is not {tried[-1]}"
    raise refused(path, f"{what}; give the file's own with --encoding, or save it as UTF-8")


def _delimiter(text: str) -> str:
    """The one by which most records have as many fields as the first; of several the one that
    makes most fields."""

    def score(delimiter: str) -> tuple[int, int]:
        counts = [len(v) for _, v in islice(_records(text, delimiter, None), SNIFFED)]
        if not counts or counts[0] < 2:
            return 0, 0
        return Counter(counts)[counts[0]], counts[0]

    return max(DELIMITERS, key=score)


def _records(text: str, delimiter: str, problems: Problems | None) -> Iterator[Record]:
    """Records that hold anything, up to the first one that cannot be read."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        where = f"line {reader.line_num + 1}"
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if problems:
                what = f"cannot be read: {error}; is a quotation mark open, or not doubled?"
                problems.add(where, what)
            return
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


Cell = Callable[[str], object]
CELLS: Mapping[str, Cell] = {"head": _entity, "tail": _entity, "may_ship": _flag}
"""How cells are read that hold no plain text."""
