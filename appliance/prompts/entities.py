"""Named entities as a prompt shows them and a model is to write them: JSON, or tags in the text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable

from appliance.task import Mark

_less = re.compile(r"<(?![ 0-9=-])")


def write_json(marks: Iterable[Mark], text: str) -> str:
    """Every mention in the order of the text, on one line."""
    items = [{"type": kind, "text": text[start:end]} for start, end, kind in sorted(marks)]
    return json.dumps(items, ensure_ascii=False)


def write_tags(marks: Iterable[Mark], text: str) -> str:
    """The text on one line with ``<person>Ada</person>`` around entities.

    Where entities overlap, only the first is tagged. A ``<`` of the text that could begin a tag is
    written ``<\\``.
    """
    pieces, at = [], 0
    for start, end, kind in sorted(marks, key=lambda mark: (mark[0], -mark[1], mark[2])):
        if start < at:
            continue
        name = tag_of(kind)
        pieces += [_escaped(text[at:start]), f"<{name}>", _escaped(text[start:end]), f"</{name}>"]
        at = end
    return "".join([*pieces, _escaped(text[at:])])


def tag_of(kind: str) -> str:
    """A type as the name of a tag.

    Letters are in lower case and digits as they are, ``_`` stands for white space, and the code
    point between full stops for any other character. So types have one tag only where they differ
    in nothing but case, or ``_`` for white space.
    """
    name = "".join(map(_in_tag, kind.casefold()))
    return name if name[0].isalpha() else f"_{name}"


def on_one_line(text: str) -> str:
    """The text with a space for each line break, so that every offset stays the same."""
    return text.replace("\n", " ")


def _in_tag(character: str) -> str:
    if character.isspace():
        return "_"
    plain = unicodedata.category(character)[0] in "LNM" or character in "-_"
    return character if plain else f".{ord(character):x}."


def _escaped(text: str) -> str:
    return _less.sub(r"<\\", on_one_line(text))
