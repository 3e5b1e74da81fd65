"""Finds the encoding of a text file."""

from __future__ import annotations

import codecs
import io
from contextlib import suppress
from pathlib import Path

from appliance.files import refused
from appliance.text import quoted

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks. UTF-32's come before UTF-16's, because one of them begins with a UTF-16
mark."""

WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .xls files begin."""

FALLBACK = "windows-1252"
"""The encoding of spreadsheets that do not write UTF-8."""

CHUNK = 1 << 20
LOOKED_AT = 4096
"""The first bytes of a file, in which zero bytes are looked for."""


def encoding_of(path: Path, given: str | None) -> str:
    """The encoding given, else that of the byte order mark, else UTF-8, else the fallback.

    Raises InputError where the file is in none of these, is missing, or cannot be read twice.
    """
    try:
        if path.is_dir():
            raise refused(path, "is a folder; name the file in it")
        if path.exists() and not path.is_file():
            raise refused(path, "can be read only once, as a pipe; save it as a file")
        with path.open("rb") as file:
            begin = file.read(LOOKED_AT)
        start = begin[:4]
        if start in WORKBOOKS:
            raise refused(path, "is an Excel workbook or an archive; save it as CSV UTF-8")
        marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
        if not given and not marked and (wide := _wide(begin)):
            what = f"looks like {wide} without a byte order mark"
            raise refused(path, f"{what}; give --encoding {wide}, or save it as UTF-8")
        if given:
            tried = [_with_mark(given, marked)]
        else:
            tried = [marked] if marked else ["utf-8", FALLBACK]
        for name in tried:
            if (wrong := _wrong(path, name)) is None:
                return name
    except FileNotFoundError:
        raise refused(path, "does not exist; check the path") from None
    except OSError as error:
        what = f"cannot be read ({error.strerror}); check the path and its permissions"
        raise refused(path, what) from None
    what = f"{wrong} is not {tried[-1]}"
    raise refused(path, f"{what}; give the file's own with --encoding, or save it as UTF-8")


def _wide(start: bytes) -> str | None:
    """The encoding with code units of several bytes that a text seems to be in, by where the zero
    bytes are."""
    # The highest two bytes of a character are at most 0 and 16.
    for name, highest, next_highest in (("utf-32-le", 3, 2), ("utf-32-be", 0, 1)):
        if len(start) > 3 and not any(start[highest::4]) and max(start[next_highest::4]) <= 16:
            return name
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) <= 2 * min(even, odd) or 8 * max(even, odd) < len(start):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _with_mark(given: str, marked: str | None) -> str:
    """The given encoding, in its form with a mark where the file has one, so the mark is not
    text."""
    with suppress(LookupError, ValueError):
        if marked and codecs.lookup(given).name.startswith(marked.removesuffix("-sig")):
            return marked
    return given


def _wrong(path: Path, name: str) -> str | None:
    """The place of the first byte that is not of the encoding; None if there is none."""
    with path.open("rb") as file:
        try:
            text = io.TextIOWrapper(file, name, newline="")
        except (LookupError, ValueError):
            remedy = "try utf-8, or windows-1252 for what Windows calls ANSI"
            raise refused(path, f"there is no encoding {quoted(name)}; {remedy}") from None
        try:
            while text.read(CHUNK):
                pass
        except UnicodeError as error:
            byte = 0
            if isinstance(error, UnicodeDecodeError):
                byte = file.tell() - len(error.object) + error.start
            return f"line {_lines(path, byte) + 1}: byte {byte}"
    return None


def _lines(path: Path, before: int) -> int:
    """How many lines end before a byte."""
    count = 0
    with path.open("rb") as file:
        while before > 0 and (data := file.read(min(CHUNK, before))):
            count += data.count(b"\n")
            before -= len(data)
    return count
