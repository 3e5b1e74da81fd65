"""Columns as in the CoNLL shared tasks: one word and its tag a line, in any of the usual
schemes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from appliance.data.bad_rows import Problems
from appliance.data.formats.text import (
    Placed,
    chunks,
    lines,
    span,
)
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "spans"
NONE: str | None = None
ORIGIN = ""
LICENCE = ""
LAYOUT = (
    "a word and its tag (O, B-TYPE, I-TYPE) on each line, the tag in the last column, and a blank "
    "line after each sentence"
)
DOCUMENT = "-DOCSTART-"
GOES_ON, ENDS = "IMEL", "ELSU"
"""Marks of tags that continue an entity, and marks of tags that end one."""

Word = tuple[str, str]
_tag = re.compile(r"O|[BIMELSU]-\S.*")


def rows(path: Path, problems: Problems, tag_column: int | None = None) -> Iterator[Placed]:
    """Yields sentences with their entities, grouped by document where documents are marked.

    The text is the words joined by spaces. ``tag_column`` counts from 1; without it the last column
    has the tags.
    """
    for where, words, document in _sentences(path, problems, tag_column):
        texts = [text for text, _ in words]
        found: dict[str, object] = {
            "text": " ".join(texts),
            "spans": [
                [*span(texts, first, last), kind]
                for first, last, kind in entities([tag for _, tag in words])
            ],
        }
        yield where, found | ({"group": f"document {document}"} if document else {})


def entities(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Returns (first, last, type) of each entity: indices of words, with inclusive ends.

    Reads IOB1, IOB2, BIOES, BILOU and BMES: a tag continues the entity before it where its mark
    allows that and the types agree, and otherwise starts a new one.
    """
    found: list[tuple[int, int, str]] = []
    going = False
    for i, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if going and mark in GOES_ON and kind == found[-1][2]:
            found[-1] = (found[-1][0], i, kind)
        elif mark != "O":
            found.append((i, i, kind))
        going = mark != "O" and mark not in ENDS
    return found


def _sentences(
    path: Path, problems: Problems, column: int | None
) -> Iterator[tuple[str, list[Word], int]]:
    """Yields each sentence with the place of its first word and the number of its document.

    The number is 0 if no document is marked.
    """
    block: list[tuple[int, str]] = []
    document = 0
    for number, line in chain(lines(chunks(path, LAYOUT)), [(0, "")]):
        new = line.startswith(DOCUMENT)
        if not new and line.strip():
            block.append((number, line.rstrip(" \t")))
            continue
        try:
            if words := _words(block, column):
                yield f"line {words[0][0]}", [word for _, word in words], document
        except _WrongLine as error:
            problems.add(f"line {error.number}", str(error))
        block = []
        document += new


class _WrongLine(Exception):
    """Says what is wrong with the line of this ``number``."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(what)
        self.number = number


def _words(block: list[tuple[int, str]], column: int | None) -> list[tuple[int, Word]]:
    """The words with the numbers of their lines. Raises _WrongLine.

    A line that begins with "# " is a comment where it has no tag, or where it has no tab and other
    lines have one.
    """
    tabs = any("\t" in line for _, line in block if not line.startswith("# "))
    found = []
    for number, line in block:
        commented = line.startswith("# ")
        if commented and tabs and "\t" not in line:
            continue
        try:
            found.append((number, _word(line, column)))
        except ValueError as error:
            if not commented:
                raise _WrongLine(number, str(error)) from None
    return found


def _word(line: str, column: int | None) -> Word:
    """The word and its tag. Raises ValueError."""
    cells = line.split("\t") if "\t" in line else re.split(" +", line.lstrip(" "))
    at = len(cells) if column is None else column
    if at > len(cells):
        raise ValueError(
            f"has no tag in column {at}: it has {len(cells)} (it reads {quoted(line)})"
        )
    tag = cells[at - 1].strip(" ") if at > 1 else ""
    if not tag:
        what = f"has no tag (it reads {quoted(line)})"
        raise ValueError(f"{what}; write the word, a tab and its tag")
    if not _tag.fullmatch(tag):
        what = "is no tag; write O, or B- or I- and the type, as in B-person"
        raise ValueError(f"{quoted(tag)} {what}")
    if not cells[0]:
        raise ValueError("has a tag but no word; remove the line, or write the word")
    return cells[0], tag
