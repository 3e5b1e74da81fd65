"""Words with a tag each, in any of the usual schemes, as texts with entities."""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.data.formats.text import span
from appliance.text import quoted

GOES_ON, ENDS = "IMEL", "ELSU"
"""Marks of tags that continue an entity, and marks of tags that end one."""

_tag = re.compile(r"O|[BIMELSU]-\S.*")


def checked(tag: str) -> str:
    """Returns the tag. Raises ValueError where it is none."""
    if not _tag.fullmatch(tag):
        what = "is no tag; write O, or B- or I- and the type, as in B-person"
        raise ValueError(f"{quoted(tag)} {what}")
    return tag


def row(words: Sequence[str], tags: Sequence[str]) -> dict[str, object]:
    """The text, and its entities in characters."""
    spans = [[*span(words, first, last), kind] for first, last, kind in entities(tags)]
    return {"text": text_of(words), "spans": spans}


def text_of(words: Sequence[str]) -> str:
    return " ".join(words)


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
