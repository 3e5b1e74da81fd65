"""Collects what importers refuse, with messages that say what, where and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.data.spool import Spool
from appliance.errors import InputError
from appliance.files import refused
from appliance.task import Span
from appliance.text import is_blank, printable, quoted

LISTED = 10
LEAST_ROWS = 6
"""The fewest rows with which a label can be in all three splits. Rarer strata are split as one."""


class Skipped(msgspec.Struct, frozen=True):
    """A row that was not imported: where it is, and what is wrong with it."""

    place: str
    what: str

    def of(self, path: Path) -> Skipped:
        """Returns the same with the file's name before the place, for imports from several
        files."""
        return Skipped(f"{printable(path.name)}, {self.place}", self.what)


class WrongRows(InputError):
    """Nothing was imported, because ``rows`` are wrong."""

    def __init__(self, message: str, rows: Sequence[Skipped]) -> None:
        super().__init__(message)
        self.rows = rows


class Problems:
    """Collects what is wrong in a file, row by row.

    If any row is wrong nothing is imported, unless such rows are to be skipped.
    """

    def __init__(self, path: Path, *, skip: bool = False) -> None:
        self.path = path
        self.skip = skip
        self.found: Spool[Skipped] = Spool(Skipped)
        self._needed: dict[str, None] = {}

    def add(self, where: str, what: str, needed: str = "") -> None:
        """``needed`` is the layout that a row has to have; the message states it once, after all
        rows."""
        self.found.append(Skipped(where, what))
        if needed:
            self._needed[needed] = None

    def raise_if_any(self) -> None:
        """Raises WrongRows if any row is wrong, unless such rows are to be skipped.

        The message lists the first ten and counts the rest.
        """
        if self.found and not self.skip:
            raise self.refusal()

    def refusal(self) -> WrongRows:
        count = len(self.found)
        lines = [f"  {row.place}: {row.what}" for row in self.found[:LISTED]]
        if count > LISTED:
            lines.append(f"  and {count - LISTED} more")
        lines += [f"  it needs {needed}" for needed in self._needed]
        what = f"{count} rows are wrong; nothing was imported"
        if count == 1:
            what = "1 row is wrong; nothing was imported"
        return WrongRows(str(refused(self.path, "\n".join([what, *lines]))), self.found)


def find_span(text: str, value: object) -> Span:
    """Returns [start, end) in characters of ``text``.

    ``value`` is such a pair, or a string that occurs once in the text. Raises ValueError that says
    what is wrong and what to do.
    """
    if isinstance(value, str):
        start = text.find(value)
        if is_blank(value):
            raise ValueError("is empty; write the entity as it stands in the text, or [start, end)")
        if start < 0:
            raise ValueError(
                f"{quoted(value)} does not occur in the text; write it as it stands there"
            )
        if text.find(value, start + 1) >= 0:
            raise ValueError(
                f"{quoted(value)} occurs more than once in the text; give [start, end)"
            )
        return start, start + len(value)
    if not (isinstance(value, list) and len(value) == 2 and all(type(x) is int for x in value)):
        raise ValueError("is neither a string nor two whole numbers [start, end)")
    start, end = value
    if start > end:
        raise ValueError(f"{value} is reversed; write [start, end) with start before end")
    if start < 0 or end > len(text):
        raise ValueError(f"{value} lies outside the sentence, which has {len(text)} characters")
    if is_blank(text[start:end]):
        raise ValueError(f"{value} is empty: it covers no visible character; end is exclusive")
    return start, end


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans overlap. Both are [start, end), in characters or in tokens."""
    return one[0] < other[1] and other[0] < one[1]
