"""Named entities read out of what a model wrote, JSON or tags in the text, and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from appliance.prompts.entities import on_one_line, tag_of
from appliance.task import Mark, Tally

# The pattern is flat, so that text which is nested without end costs nothing.
_object = re.compile(r'\{(?:[^][{}"]|"(?:[^"\\]|\\.)*")*\}', re.DOTALL)
_tag = re.compile(r"<\\|<(/?)([^\s<>/\\]+)>")


class _Item(msgspec.Struct):
    type: str
    text: str


def counts(gold: Iterable[Mark], predicted: Iterable[Mark], text: str) -> Tally:
    """The terms of an F1 over whole entities; a part of one earns nothing, as in CoNLL-2003.

    ``gold`` and ``predicted`` are marks on ``text``. An entity is right if its type and words are,
    and counts as often as the text has those words as that type: JSON does not say where an entity
    stands, and prompts that write it are compared with prompts that write tags.
    """
    positive, found = (
        Counter((kind, text[start:end]) for start, end, kind in marks)
        for marks in (gold, predicted)
    )
    hit = (positive & found).total()
    return hit, found.total() - hit, positive.total() - hit


def read_json(written: str, text: str, types: Sequence[str]) -> tuple[Mark, ...]:
    """The complete items of a list that may be cut off or spoilt, in the order of the text.

    An item has no offsets, so it is placed at its first mention after the item before it, else at
    its first mention that is free. If an earlier mention is not listed, an item may be put in the
    wrong place, but it keeps its type and words. An item that the text does not hold, or not as
    often, is dropped, and so is one of an unknown type.
    """
    return _placed(((item.text, item.type, -1) for item in _items(written)), text, types)


def read_tags(written: str, text: str, types: Sequence[str]) -> tuple[Mark, ...]:
    """What stands between tags of known types, in the order of the text.

    An entity is where its tags are if the text has the same words there, which holds as long as the
    text was copied, up to white space before the first word. Any other is placed as the items of a
    list are.
    """
    line = on_one_line(text)
    plain, found = _untagged(written, {tag_of(kind): kind for kind in types})
    moved = _indent(line) - _indent(plain)
    items = ((plain[start:end], kind, start + moved) for start, end, kind in found)
    return _placed(items, line, types)


def _placed(
    items: Iterable[tuple[str, str, int]], text: str, types: Sequence[str]
) -> tuple[Mark, ...]:
    """Words and types as marks; the number is where the words may start, or -1."""
    taken: set[Mark] = set()
    last = 0
    for words, kind, start in items:
        if kind not in types or not words:
            continue
        known = start >= 0 and text.startswith(words, start)
        places = [start] if known else [*_starts(words, text, last), *_starts(words, text, 0)]
        marks = ((at, at + len(words), kind) for at in places)
        if mark := next((mark for mark in marks if mark not in taken), None):
            taken.add(mark)
            last = mark[1]
    return tuple(sorted(taken))


def _starts(words: str, text: str, at: int) -> Iterator[int]:
    while (at := text.find(words, at)) >= 0:
        yield at
        at += 1


def _items(written: str) -> Iterator[_Item]:
    """Every object that can be read."""
    for found in _object.findall(written):
        try:
            yield msgspec.json.decode(found, type=_Item)
        except msgspec.DecodeError:
            continue


def _untagged(written: str, kinds: dict[str, str]) -> tuple[str, list[Mark]]:
    """The text without tags, and what was between them. Tags of other names are text."""
    plain, found = "", []
    opened: tuple[int, str] | None = None
    at = 0
    for hit in _tag.finditer(written):
        plain += written[at : hit.start()]
        at = hit.end()
        kind = kinds.get(hit[2])
        if kind is None:
            plain += "<" if hit[2] is None else hit[0]
        elif not hit[1]:
            opened = len(plain), kind
        elif opened and opened[1] == kind:
            found.append((opened[0], len(plain), kind))
            opened = None
    return plain + written[at:], found


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
