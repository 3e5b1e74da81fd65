"""Finds spans that a row gives, and compares them."""

from __future__ import annotations

from typing import TypeGuard

from appliance.task import Span
from appliance.text import is_blank, quoted


def find_span(text: str, value: object) -> Span:
    """Returns [start, end) in characters of ``text``.

    ``value`` is such a pair, or a string that occurs once in the text. Raises ValueError that says
    what is wrong and what to do.
    """
    if isinstance(value, str):
        start = text.find(value)
        if is_blank(value):
            raise ValueError("is empty; write the entity as it stands in the text, or [start, end)")
        if start < 0:
            raise ValueError(
                f"{quoted(value)} does not occur in the text; write it as it stands there"
            )
        if text.find(value, start + 1) >= 0:
            raise ValueError(
                f"{quoted(value)} occurs more than once in the text; give [start, end)"
            )
        return start, start + len(value)
    if not is_pair(value):
        raise ValueError("is neither a string nor two whole numbers [start, end)")
    start, end = value
    if start > end:
        raise ValueError(f"{value} is reversed; write [start, end) with start before end")
    if start < 0 or end > len(text):
        raise ValueError(f"{value} lies outside the sentence, which has {len(text)} characters")
    if is_blank(text[start:end]):
        raise ValueError(f"{value} is empty: it covers no visible character; end is exclusive")
    return start, end


def is_pair(value: object) -> TypeGuard[list[int]]:
    """Whether a value is two whole numbers, as [start, end) is."""
    return isinstance(value, list) and len(value) == 2 and all(type(x) is int for x in value)


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans overlap. Both are [start, end), in characters or in tokens."""
    return one[0] < other[1] and other[0] < one[1]
