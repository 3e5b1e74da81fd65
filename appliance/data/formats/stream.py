"""Streams JSON: a file of any size takes the memory of one of its rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.decoding import in_words
from appliance.data.formats.lines import refuse_lines
from appliance.data.formats.text import chunks, lines
from appliance.errors import InputError
from appliance.files import OtherFormat, refused
from appliance.text import printable

NEAR = 16
"""A distance in characters from the end of what was read. A value that ends or breaks off within it
may go on in what follows, so more is read."""

CONSTANTS = ("true", "false", "null")

T = TypeVar("T")
_scan = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_visible = re.compile(r"[^ \t\r\n]")


def records(path: Path, problems: Problems, kind: type[T], layout: str) -> Iterator[tuple[str, T]]:
    """Yields objects of ``kind`` with their places, from JSON Lines or from one JSON array.

    Anything else becomes a problem. Raises InputError as ``elements`` does.
    """
    text = chunks(path, layout)
    first = next(text)
    text = chain([first], text)
    if first.lstrip().startswith("["):
        yield from _elements(_Json(path, text, layout), problems, kind, None)
        return
    _refuse_csv(path, first)
    for number, line in lines(text):
        if line.strip():
            where = f"line {number}"
            if (row := decoded(where, line, problems, kind, layout)) is not None:
                yield where, row


def elements(
    path: Path, problems: Problems, kind: type[T], layout: str, key: str | None = None
) -> Iterator[tuple[str, T]]:
    """Yields elements of ``kind`` with their places, from one JSON array.

    The array is the whole file, or stands under ``key`` of the JSON object that is the whole file.
    An element of another kind becomes a problem. Raises InputError as ``chunks`` does, and where
    the file is not such JSON: if only a later part is not, after the elements before that part.
    """
    return _elements(_Json(path, chunks(path, layout), layout), problems, kind, key)


def _elements(
    file: _Json, problems: Problems, kind: type[T], key: str | None
) -> Iterator[tuple[str, T]]:
    file.enter(key)
    for number, text in enumerate(file.array(), 1):
        where = f"row {number}"
        if (row := decoded(where, text, problems, kind, file.layout)) is not None:
            yield where, row
    if key is None and file.peek():
        raise file.broken("there is more after the end of the array")


def decoded(
    where: str, text: str | bytes, problems: Problems, kind: type[T], layout: str
) -> T | None:
    """Decodes JSON as ``kind``. Where that fails, it adds a problem and returns None."""
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError:
        problems.add(where, "is nested too deeply", layout)
    except msgspec.ValidationError as error:
        problems.add(where, in_words(error), layout)
    except msgspec.DecodeError as error:
        problems.add(where, f"{in_words(error)}; mend or remove it")
    return None


def _refuse_csv(path: Path, text: str) -> None:
    """Raises InputError for CSV or lines of another format in place of JSON."""
    refuse_lines(path, text)
    head = text.lstrip().partition("\n")[0].strip()
    if head[:1] not in ("{", "[") and any(mark in head for mark in ",;\t"):
        names = printable(head[:80])
        what = f"looks like CSV, not JSON (it begins {names})"
        remedy = "import it with: strop task import csv FILE --kind KIND --column FIELD=NAME"
        raise OtherFormat(path, f"{what}; {remedy}", "csv")


class _Json:
    """Reads JSON and holds only the value that is being read."""

    def __init__(self, path: Path, text: Iterator[str], layout: str) -> None:
        self.path = path
        self.layout = layout
        self._text = text
        self._held = ""
        self._at = 0
        self._place = "the beginning"

    def enter(self, key: str | None) -> None:
        """Moves to the array, which is the whole file or stands under ``key``."""
        found = self.peek()
        _refuse_csv(self.path, self._held[self._at :])
        if found != ("[" if key is None else "{"):
            what = "array" if key is None else "object"
            raise refused(self.path, f"is no JSON {what}; it needs {self.layout}")
        while key is not None:
            self._at += 1
            name = None if self.peek() == "}" else json.loads(self._value())
            if name is not None:
                self._take(":")
            if name == key:
                return
            if name is None or (self._value() and self.peek() != ","):
                raise refused(self.path, f'has no "{key}"; it needs {self.layout}')

    def array(self) -> Iterator[str]:
        """Yields the JSON of each element."""
        if self.peek() != "[":
            raise refused(
                self.path, f"has no list where its rows should be; it needs {self.layout}"
            )
        self._at += 1
        number = 0
        while number or self.peek() != "]":
            number += 1
            self._place = f"row {number}"
            yield self._value()
            if self.peek() == "]":
                break
            self._take(",")
        self._take("]")

    def peek(self) -> str:
        """The next visible character; empty at the end."""
        while not (found := _visible.search(self._held, self._at)):
            self._at = len(self._held)
            if not self._more():
                return ""
        self._at = found.start()
        return found[0]

    def broken(self, what: str) -> InputError:
        what = f"{self._place}: is not JSON: {what}"
        return refused(self.path, f"{what}; mend it there, or fetch the file again")

    def cut_off(self) -> InputError:
        why = "it is cut off, or something in it is not closed"
        return refused(self.path, f"the file ends in {self._place}: {why}; fetch or mend it")

    def _take(self, mark: str) -> None:
        if (found := self.peek()) != mark:
            raise self.broken(f'"{mark}" is missing') if found else self.cut_off()
        self._at += 1

    def _value(self) -> str:
        self.peek()
        while True:
            try:
                _, end = _scan(self._held, self._at)
            except RecursionError:
                raise self.broken("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                open_string = error.msg.startswith("Unterminated string")
                goes_on = open_string or error.pos > len(self._held) - NEAR
                rest = self._held[error.pos :].strip()
                if goes_on and self._more():
                    continue
                ends = open_string or any(word.startswith(rest) for word in CONSTANTS)
                raise (self.cut_off() if ends else self.broken(error.msg)) from None
            else:
                length = end - self._at
                if end < len(self._held) - NEAR or not self._more():
                    text = self._held[self._at : self._at + length]
                    self._at += length
                    return text

    def _more(self) -> bool:
        """Reads more text, and returns whether there was any.

        It reads at least the length of what is held, so that a long value is rescanned only a few
        times.
        """
        parts = [self._held[self._at :]]
        wanted = max(1, len(parts[0]))
        while wanted > 0 and (chunk := next(self._text, None)) is not None:
            parts.append(chunk)
            wanted -= len(chunk)
        self._held, self._at = "".join(parts), 0
        return len(parts) > 1
