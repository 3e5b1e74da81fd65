"""Streams text, in chunks or lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from appliance.files import refuse_other_unicode, refused

CHUNK = 1 << 18
"""Bytes read at once."""

ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b")
"""How .zip and .gz files begin. Annotation tools export some."""

Placed = tuple[str, dict[str, object]]
"""A row with its place in the file."""


def chunks(path: Path, layout: str) -> Iterator[str]:
    """Yields the text of a UTF-8 file, without byte order mark, in pieces of any length.

    Raises InputError where the file is missing, is a folder or an archive, cannot be read, is blank
    or is not UTF-8; in the last case after the pieces before that. ``layout`` says what a blank
    file lacks.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    size, line, blank = 0, 1, True
    try:
        if path.is_dir():
            raise refused(path, "is a folder; name the file in it")
        with path.open("rb") as file:
            for data in chain(iter(lambda: file.read(CHUNK), b""), [b""]):
                if not size:
                    refuse_other_unicode(path, data)
                    if data.startswith(ARCHIVES):
                        raise refused(path, "is an archive; unpack it and name the file in it")
                size += len(data)
                text = decoder.decode(data, final=not data)
                line += text.count("\n")
                blank = blank and not text.strip()
                yield text
    except FileNotFoundError:
        raise refused(path, "does not exist; check the path") from None
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        byte = size - len(error.object) + error.start
        what = f"line {line}: byte {byte} is not UTF-8; save the file as UTF-8"
        raise refused(path, what) from None
    except OSError as error:
        what = f"cannot be read ({error.strerror}); check the path and its permissions"
        raise refused(path, what) from None
    if blank:
        raise refused(path, f"is empty; it needs {layout}")


def lines(text: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yields lines of ``chunks``, numbered from 1, without their line breaks (LF or CRLF)."""
    number, rest = 0, ""
    for chunk in text:
        *whole, rest = (rest + chunk).split("\n")
        for line in whole:
            number += 1
            yield number, line.removesuffix("\r")
    if rest:
        yield number + 1, rest.removesuffix("\r")


def span(words: Sequence[str], first: int, last: int) -> tuple[int, int]:
    """[start, end) in characters of ``" ".join(words)`` for the words first to last, inclusive."""
    start = sum(len(word) + 1 for word in words[:first])
    return start, start + len(" ".join(words[first : last + 1]))
