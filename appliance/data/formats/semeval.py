"""The text files of SemEval-2010 task 8 (Hendrickx et al., 2010)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from appliance.data.bad_rows import Problems
from appliance.data.formats.text import Placed, chunks, lines
from appliance.kinds import Kind
from appliance.text import quoted

KIND: Kind = "relation"
NONE: str | None = "Other"
ORIGIN = ""
LICENCE = ""
LAYOUT = (
    "a line with a number, a tab and a sentence with <e1>...</e1> and <e2>...</e2>, a line with "
    "the relation, as in Cause-Effect(e1,e2), maybe a comment, and a blank line"
)
COMMENT = "Comment:"

_sentence = re.compile(r"\s*\d+\t\s*(.*)")
_mark = re.compile(r"(</?e[12]>)")
ONE, OTHER = ["<e1>", "</e1>"], ["<e2>", "</e2>"]


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields sentences with e1 as the head and e2 as the tail.

    The label is the relation as it stands there, with its direction.
    """
    for number, block in _blocks(lines(chunks(path, LAYOUT))):
        try:
            yield f"line {number}", _read(block)
        except ValueError as error:
            problems.add(f"line {number}", str(error), LAYOUT)


def _blocks(found: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines of each row with the number of the first one. A row ends where a line is
    blank, or where another sentence begins."""
    block: list[str] = []
    first = 0
    for number, line in chain(found, [(0, "")]):
        if block and (not line.strip() or _sentence.fullmatch(line)):
            yield first, block
            block = []
        if line.strip():
            first = first if block else number
            block.append(line.strip())


def _read(block: list[str]) -> dict[str, object]:
    sentence = _sentence.fullmatch(block[0])
    if not sentence:
        raise ValueError(f"is no number, tab and sentence (it reads {quoted(block[0])})")
    if len(block) < 2 or block[1].startswith(COMMENT):
        raise ValueError("has no relation in the next line; take the file that has the relations")
    return {**_marked(sentence[1]), "label": block[1]}


def _marked(sentence: str) -> dict[str, object]:
    """The text without its marks and quotation marks, and its entities. Raises ValueError."""
    if len(sentence) > 1 and sentence[0] == sentence[-1] == '"':
        sentence = sentence[1:-1]
    *parts, rest = _mark.split(sentence)
    if parts[1::2] not in (ONE + OTHER, OTHER + ONE):
        raise ValueError("needs one <e1>...</e1> and one <e2>...</e2>, one after the other")
    text, places = "", {}
    for before, mark in zip(parts[::2], parts[1::2], strict=True):
        text += before
        places[mark] = len(text)
    head, tail = ([places[start], places[end]] for start, end in (ONE, OTHER))
    return {"text": text + rest, "head": head, "tail": tail}
