"""Finds how a table is written: what divides and encloses its fields, and whether it has a
header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from appliance.errors import InputError
from appliance.files import refused
from appliance.text import quoted

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SNIFFED = 100
"""The number of first records in which the delimiter and the header are looked for."""

LONGEST_NAME = 64
LONGEST_FIELD = 1 << 24
UNCLOSED = "is a quotation mark open, or not doubled? If they are text, give --no-quotes"
_number = re.compile(r"[-+]?\d+([.,]\d+)*%?")
_excel = re.compile(r'"?sep=(.)"?\r?\n?')

Record = tuple[str, list[str]]
"""A record with its place in the file."""


class Dialect(msgspec.Struct, frozen=True):
    """The encoding and CSV dialect of a table.

    ``quotes`` says whether quotation marks enclose fields; ``begin`` counts the lines before the
    first record.
    """

    encoding: str
    delimiter: str
    quotes: bool = True
    begin: int = 0

    @property
    def divided(self) -> str:
        """What divides the fields, in words."""
        return f"divided by {DELIMITERS.get(self.delimiter, quoted(self.delimiter))}"


def dialect_of(path: Path, encoding: str, delimiter: str | None, quotes: bool) -> Dialect:
    """Finds the dialect of a table.

    The delimiter is the one given, else the one that Excel's first line ``sep=;`` names, else the
    one with which most records have the same number of fields as the first. Of several such
    delimiters the comma comes last, because prose holds it more often than the others; of the rest
    the one that makes most fields is taken.
    """
    with path.open(encoding=encoding, newline="") as text:
        named = _excel.fullmatch(text.readline(len('"sep=;"\r\n')))
    begin = 1 if named else 0
    if named and not delimiter:
        delimiter = named[1]

    def score(delimiter: str) -> tuple[int, bool, int]:
        counts = []
        with suppress(InputError):
            for _, values in islice(
                records(path, Dialect(encoding, delimiter, quotes, begin)), SNIFFED
            ):
                counts.append(len(values))
        if not counts or counts[0] < 2:
            return 0, False, 0
        return Counter(counts)[counts[0]], delimiter != ",", counts[0]

    return Dialect(encoding, delimiter or max(DELIMITERS, key=score), quotes, begin)


def records(path: Path, dialect: Dialect) -> Iterator[Record]:
    """Yields the records that are not blank. Raises InputError where the file cannot be read
    further."""
    csv.field_size_limit(LONGEST_FIELD)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quotes else csv.QUOTE_NONE
    with path.open(encoding=dialect.encoding, newline="") as text:
        for _ in range(dialect.begin):
            text.readline()
        reader = csv.reader(text, delimiter=dialect.delimiter, quoting=quoting, strict=True)
        while True:
            where = f"line {dialect.begin + reader.line_num + 1}"
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                remedy = f"; {UNCLOSED}" if dialect.quotes else ""
                raise refused(path, f"{where}: cannot be read: {error}{remedy}") from None
            if any(value.strip() for value in values):
                yield where, values


def headed(first: Sequence[Sequence[str]], wanted: Collection[str]) -> bool:
    """Whether the first record names the columns.

    It does where one of the ``wanted`` names that is not a number stands in it. Otherwise it does
    where nothing in it looks like a value: a number, a long text, or a text that comes again below
    it, as labels do. Where columns are asked for by number, it also has to be short: in the column
    with the longest fields, at most two thirds of the 10th percentile of the lengths below it.
    """
    names = [value.strip() for value in first[0]]
    if any(name in names for name in wanted if not name.isdecimal()):
        return True
    columns = zip(*([value.strip() for value in values] for values in first[1:]), strict=False)
    below = list(zip(names, columns, strict=False))
    if any(len(name) > LONGEST_NAME or _number.fullmatch(name) for name in names):
        return False
    if any(name in column for name, column in below if name):
        return False
    if below and any(name.isdecimal() for name in wanted):
        name, texts = max(below, key=lambda pair: sum(map(len, pair[1])))
        lengths = sorted(len(text) for text in texts if text) or [0]
        return 3 * len(name) <= 2 * lengths[len(lengths) // 10]
    return True


def joined(values: Sequence[str], delimiter: str) -> bool:
    """Whether a field looks like records that a stray quotation mark and the next one have joined.

    It does where each of its lines has the same number of delimiters as a record. A tab always
    counts as a delimiter; another one does not before white space, as in prose, nor does a comma
    within a number.
    """
    last = len(values) - 1
    for at, value in enumerate(values):
        if last and "\n" in value:
            lines = [len(_divides(delimiter).findall(line)) for line in value.split("\n")]
            lines[0] += at
            lines[-1] += last - at
            if set(lines) == {last}:
                return True
    return False


def _divides(delimiter: str) -> re.Pattern[str]:
    match delimiter:
        case "\t":
            return re.compile(delimiter)
        case ",":
            return re.compile(r"(?<!\d),(?=\S)|,(?=[^\s\d])")
        case _:
            return re.compile(re.escape(delimiter) + r"(?=\S)")
