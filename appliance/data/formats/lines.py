"""Tells by its first lines that a file is of a format of lines, for a person who named another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from appliance.files import refused

LOOKED_AT = 8
"""Lines that have to look alike."""

CONLL_U = 10
"""The number of columns of CoNLL-U."""

TAG_FIRST = "--word-column 2 --tag-column 1"

_semeval = re.compile(r"\d+\t[^\t\n]*<e1>.*</e1>.*<e2>.*</e2>[^\t\n]*\n[^\t\n]*\n")
"""A numbered sentence, and on the next line its relation alone."""

_part = re.compile(r"[A-Z]+|_")
"""A part of speech as CoNLL-U writes it, in the fourth column."""

_tag = re.compile(r"O|[BIESLUM]-\S+")


def refuse_lines(path: Path, start: str) -> None:
    """Raises InputError for a file that begins as SemEval's relations or as CoNLL columns do."""
    found = _looks_like(start)
    if found:
        name, how = found
        raise refused(path, f"looks like {name}; import it with: strop task import {how}")


def has_tags_first(start: str) -> bool:
    """Whether each line begins with its tag."""
    rows = _rows(start)
    return bool(rows) and all(map(_tag.fullmatch, _column(rows, 0)))


def _looks_like(start: str) -> tuple[str, str] | None:
    if _semeval.match(start.lstrip("\ufeff \t\r\n")):
        return "SemEval's relations", "semeval FILE"
    rows = _rows(start)
    if not rows:
        return None
    if len(rows[0]) == CONLL_U and all(map(str.isdigit, _column(rows, 0))):
        return ("CoNLL-U", "conll FILE") if all(map(_part.fullmatch, _column(rows, 3))) else None
    if all(map(_tag.fullmatch, _column(rows, -1))):
        return "CoNLL columns", "conll FILE"
    if has_tags_first(start):
        return "CoNLL columns with the tags first", f"conll FILE {TAG_FIRST}"
    return None


def _rows(start: str) -> list[Sequence[str]]:
    """The columns of the first lines; empty where they are not those of a table of words, two or
    more and as many in each, without a space in any."""
    lines = [line for line in start.split("\n")[:-1] if line.strip()]
    words = [line for line in lines if not line.startswith(("#", "-DOCSTART-"))][:LOOKED_AT]
    tabs = bool(words) and all("\t" in line for line in words)
    rows = [line.rstrip("\r").split("\t") if tabs else line.split() for line in words]
    even = len(rows) > 2 and len(set(map(len, rows))) == 1 and len(rows[0]) > 1
    spaced = any(" " in cell for row in rows for cell in row)
    return list(rows) if even and not spaced else []


def _column(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    return [row[at] for row in rows]
