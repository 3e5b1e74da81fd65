"""Collects what importers refuse, with messages that say what, where and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.data.spool import Spool
from appliance.errors import InputError
from appliance.files import refused
from appliance.text import printable

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
    """Collects what is wrong in a file, row by row, and counts what is left out without being
    wrong.

    If any row is wrong nothing is imported, unless such rows are to be skipped. ``nothing`` says
    what was not done.
    """

    def __init__(
        self, path: Path, *, skip: bool = False, nothing: str = "nothing was imported"
    ) -> None:
        self.path = path
        self.skip = skip
        self.nothing = nothing
        self.found: Spool[Skipped] = Spool(Skipped)
        self._needed: dict[str, None] = {}
        self._counted: Counter[str] = Counter()

    def add(self, where: str, what: str, needed: str = "") -> None:
        """``needed`` is the layout that a row has to have; the message states it once, after all
        rows."""
        self.found.append(Skipped(where, what))
        if needed:
            self._needed[needed] = None

    def count(self, what: str) -> None:
        """Counts something that is no mistake and that the person should know, as in "texts left
        out"."""
        self._counted[what] += 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What was counted so far, in the order in which it was first met."""
        return tuple(f"{what}: {count}" for what, count in self._counted.items())

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
        what = f"{count} rows are wrong" if count > 1 else "1 row is wrong"
        return WrongRows(
            str(refused(self.path, "\n".join([f"{what}; {self.nothing}", *lines]))), self.found
        )
