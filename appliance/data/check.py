"""What importers refuse, and how they say so: what, where, and what to do."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.data.spool import Spool
from appliance.errors import InputError
from appliance.task import Span

LISTED = 10
QUOTED = 60
LEAST_ROWS = 6
"""Of a label, to be in three splits. Rarer strata are shared out as one."""

INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def printable(text: str) -> str:
    """One line that is safe on a terminal: what is not a visible character stands escaped.

    Escapes control, format (bidirectional and zero-width), private and unassigned characters and
    line breaks, so that no row of data can move the cursor, recolour or reorder what is shown.
    """
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else _escaped(c) for c in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def quoted(text: str) -> str:
    """``text`` for a message: printable, shortened, in quotes."""
    shortened = text if len(text) <= QUOTED else text[:QUOTED] + "…"
    return f'"{printable(shortened)}"'


class Skipped(msgspec.Struct, frozen=True):
    """A row that was not imported: where it is, and what is wrong with it."""

    place: str
    what: str

    def of(self, path: Path) -> Skipped:
        """With the name of its file, where there are several."""
        return Skipped(f"{printable(path.name)}, {self.place}", self.what)


class WrongRows(InputError):
    """Nothing was imported: some ``rows`` are wrong."""

    def __init__(self, message: str, rows: Sequence[Skipped]) -> None:
        super().__init__(message)
        self.rows = rows


class Problems:
    """Collects what is wrong in a file row by row. Nothing is imported if anything is, unless such
    rows are to be skipped."""

    def __init__(self, path: Path, *, skip: bool = False) -> None:
        self.path = path
        self.skip = skip
        self.found: Spool[Skipped] = Spool(Skipped)
        self._needed: dict[str, None] = {}

    def add(self, where: str, what: str, needed: str = "") -> None:
        """``needed`` is the layout that a row has to have; it is said once, after all rows."""
        self.found.append(Skipped(where, what))
        if needed:
            self._needed[needed] = None

    def raise_if_any(self) -> None:
        """Raises WrongRows, whose message lists the first ten and counts the rest, unless they are
        to be skipped."""
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


def refused(path: Path, what: str) -> InputError:
    return InputError(f"{printable(str(path))}: {what}")


def read_bytes(path: Path) -> bytes:
    """Raises InputError where the file is missing, a folder or not to be read."""
    try:
        if path.is_dir():
            raise refused(path, "is a folder; name the file in it")
        return path.read_bytes()
    except FileNotFoundError:
        raise refused(path, "does not exist; check the path") from None
    except OSError as error:
        what = f"cannot be read ({error.strerror}); check the path and its permissions"
        raise refused(path, what) from None


def refuse_other_unicode(path: Path, data: bytes) -> None:
    """Raises InputError where a file that should be UTF-8 begins as UTF-16 or UTF-32."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise refused(path, "is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8")


def read_utf8(path: Path, needed: str) -> str:
    """The whole text of a file. Raises InputError where it is missing, empty or not UTF-8.

    ``needed`` says what an empty file lacks.
    """
    data = read_bytes(path)
    refuse_other_unicode(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"line {line}: byte {error.start} is not UTF-8; save the file as UTF-8"
        raise refused(path, what) from None
    if not text.strip():
        raise refused(path, f"is empty; it needs {needed}")
    return text


def find_span(text: str, value: object) -> Span:
    """[start, end) in characters of ``text``: given as such, or as a string that occurs once.

    Raises ValueError that says what is wrong and what to do.
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
    """Whether two spans, [start, end) in characters or tokens, share one of these."""
    return one[0] < other[1] and other[0] < one[1]


def is_blank(text: str) -> bool:
    """True if nothing of the text is visible: white space, controls, zero-width characters."""
    return all(map(is_invisible, text))


def is_invisible(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE
