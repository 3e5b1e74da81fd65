"""Named entities as a model writes them: JSON or tags in the text, and how many are right."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from appliance.task import Mark, Tally

# Flat, so that what is nested without end costs nothing.
_object = re.compile(r'\{(?:[^][{}"]|"(?:[^"\\]|\\.)*")*\}', re.DOTALL)
_tag = re.compile(r"<\\|<(/?)([^\s<>/\\]+)>")
_less = re.compile(r"<(?![ 0-9=-])")


class _Item(msgspec.Struct):
    type: str
    text: str


def counts(gold: Iterable[Mark], predicted: Iterable[Mark], text: str) -> Tally:
    """The terms of an F1 over whole entities: a part of one earns nothing, as in CoNLL-2003.

    An entity is right if its type and words are, as often as the text has those words as that type:
    JSON does not say where an entity stands, and prompts that write it are compared with prompts
    that write tags.
    """
    positive, found = (
        Counter((kind, text[start:end]) for start, end, kind in marks)
        for marks in (gold, predicted)
    )
    hit = (positive & found).total()
    return hit, found.total() - hit, positive.total() - hit


def write_json(marks: Iterable[Mark], text: str) -> str:
    """Every mention in the order of the text, on one line."""
    items = [{"type": kind, "text": text[start:end]} for start, end, kind in sorted(marks)]
    return json.dumps(items, ensure_ascii=False)


def read_json(written: str, text: str, types: Sequence[str]) -> tuple[Mark, ...]:
    """The complete items of a list that may be cut off or spoilt, in the order of the text.

    An item without offsets stands at its first mention after the item before it, else at its first
    one anywhere that is free. So one that is listed while an earlier mention is not may be put in
    the wrong place, but keeps its type and words. One that the text does not hold, or not as often,
    is dropped, and so are unknown types.
    """
    return _placed(((item.text, item.type, -1) for item in _items(written)), text, types)


def write_tags(marks: Iterable[Mark], text: str) -> str:
    """The text on one line with ``<person>Ada</person>`` around entities; of overlapping ones the
    first. A ``<`` of the text that could begin a tag is written ``<\\``."""
    pieces, at = [], 0
    for start, end, kind in sorted(marks, key=lambda mark: (mark[0], -mark[1], mark[2])):
        if start < at:
            continue
        name = tag_of(kind)
        pieces += [_escaped(text[at:start]), f"<{name}>", _escaped(text[start:end]), f"</{name}>"]
        at = end
    return "".join([*pieces, _escaped(text[at:])])


def read_tags(written: str, text: str, types: Sequence[str]) -> tuple[Mark, ...]:
    """What stands between tags of known types, in the order of the text.

    An entity is where its tags are if the text has the same words there, which holds as long as the
    text was copied, up to white space before the first word. One that is elsewhere is placed as
    those of a list are.
    """
    line = _on_one_line(text)
    plain, found = _untagged(written, {tag_of(kind): kind for kind in types})
    moved = _indent(line) - _indent(plain)
    items = ((plain[start:end], kind, start + moved) for start, end, kind in found)
    return _placed(items, line, types)


def tag_of(kind: str) -> str:
    """A type as the name of a tag: letters in lower case, digits, ``-`` and ``_`` for white space;
    the code point between full stops for others. Types that can be told apart have other tags."""
    name = "".join(map(_in_tag, kind.casefold()))
    return name if name[0].isalpha() else f"_{name}"


def _in_tag(character: str) -> str:
    if character.isspace():
        return "_"
    plain = unicodedata.category(character)[0] in "LNM" or character in "-_"
    return character if plain else f".{ord(character):x}."


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


def _escaped(text: str) -> str:
    return _less.sub(r"<\\", _on_one_line(text))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ")
