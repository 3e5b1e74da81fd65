"""Reads answers, and the choices that a question offers, from a row."""

from __future__ import annotations

import re
from collections.abc import Iterable

from appliance.data.read.columns import (
    Columns,
    Row,
    as_text,
    kind_of,
    nearest,
)
from appliance.scoring.matching import is_one_number
from appliance.task import Match
from appliance.text import is_blank, quoted

NUMBER = re.compile(r"[-+]?((\d+|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?|\.\d+)")
"""A number and nothing else; commas stand before thousands."""


def answers(columns: Columns, row: Row) -> tuple[str, ...]:
    """The right answers, which a row gives as one or as a list. Raises Defect."""
    value = columns.value(row, "answer")
    found = _plain(columns, "answer", value if isinstance(value, list) else [value])
    if not found:
        raise columns.defect("answer", "is empty; write the answer, or remove the row")
    return found


def offered(columns: Columns, row: Row) -> tuple[str, ...]:
    """The choices of the question; empty where the row gives none. Raises Defect."""
    if not columns.has(row, "choices"):
        return ()
    found = _plain(columns, "choices", columns.listed(row, "choices"))
    if len(found) == 1:
        raise columns.defect("choices", "are only one; list all that the answer is chosen from")
    return found


def checked(
    columns: Columns, right: tuple[str, ...], choices: tuple[str, ...], match: Match | None
) -> None:
    """Raises Defect where answers cannot be compared by ``match``, or do not fit the choices."""
    if match == "numeric" and (words := [a for a in right if not is_one_number(a)]):
        remedy = "write it in digits, as in 1250, 0.5 or 3/4"
        raise columns.defect("answer", f"{quoted(words[0])} is not one plain number; {remedy}")
    if match == "choice" and not choices:
        raise columns.defect("choices", "is missing; list what the answer is chosen from")
    if choices and len(right) > 1:
        raise columns.defect("answer", f"lists {len(right)} answers; of choices one is right")
    if choices and right[0] not in choices:
        what = f"{quoted(right[0])} is not one of the choices"
        raise columns.defect("answer", what + nearest(right[0], choices))


def _plain(columns: Columns, field: str, values: Iterable[object]) -> tuple[str, ...]:
    """The distinct values, each on one line. Raises Defect.

    Numbers and truth values are written as Python writes them, so 3.10 is "3.1".
    """
    found = []
    for value in values:
        if (text := as_text(value)) is None:
            raise columns.defect(field, f"is {kind_of(value)}; write a string")
        found.append(" ".join(text.split()))
        if is_blank(found[-1]):
            raise columns.defect(field, "is empty; write the answer, or remove the row")
    return tuple(dict.fromkeys(found))
