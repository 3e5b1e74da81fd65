"""TACRED's JSON (Zhang et al., EMNLP 2017), which Re-TACRED and TACRED Revisited share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.data.bad_rows import Problems
from appliance.data.formats.stream import elements
from appliance.data.formats.text import Placed, span
from appliance.data.spans import overlap
from appliance.kinds import Kind

KIND: Kind = "relation"
NONE: str | None = "no_relation"
ORIGIN = "TACRED, nlp.stanford.edu/projects/tacred"
LICENCE = "LDC User Agreement (LDC2018T24)"
LAYOUT = (
    "a JSON array of rows with token, relation, subj_start, subj_end, obj_start and obj_end, "
    "token indices from 0, ends inclusive"
)
BRACKETS = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
}
"""Brackets as the Penn Treebank writes them."""


class _Row(msgspec.Struct, frozen=True):
    token: list[str]
    relation: str
    subj_start: int
    subj_end: int
    obj_start: int
    obj_end: int
    subj_type: str | None = None
    obj_type: str | None = None
    docid: str | int | None = None


def rows(path: Path, problems: Problems) -> Iterator[Placed]:
    """Yields sentences with subject (head) and object (tail), grouped by document.

    The text is the tokens joined by spaces, with ``BRACKETS`` replaced by the brackets they stand
    for.
    """
    for where, row in elements(path, problems, _Row, LAYOUT):
        try:
            yield where, _read(row)
        except ValueError as error:
            problems.add(where, str(error))


def _read(row: _Row) -> dict[str, object]:
    words = [BRACKETS.get(token, token) for token in row.token]
    head = _span(words, "subj", row.subj_start, row.subj_end)
    tail = _span(words, "obj", row.obj_start, row.obj_end)
    if overlap((row.subj_start, row.subj_end + 1), (row.obj_start, row.obj_end + 1)):
        raise ValueError(
            f"subj {row.subj_start} to {row.subj_end} and obj {row.obj_start} to {row.obj_end} "
            "share a token (ends are inclusive); mark two entities"
        )
    found: dict[str, object] = {
        "text": " ".join(words),
        "head": head,
        "tail": tail,
        "label": row.relation,
    }
    more = {"head_type": row.subj_type, "tail_type": row.obj_type, "group": row.docid}
    return found | {name: value for name, value in more.items() if value}


def _span(words: list[str], name: str, first: int, last: int) -> list[int]:
    where = f"{name}_start {first}, {name}_end {last}"
    if first > last:
        raise ValueError(f"{where}: the end is before the start; ends are inclusive")
    if first < 0 or last >= len(words):
        what = f"lies outside the sentence of {len(words)} tokens"
        raise ValueError(f"{where}: {what}; indices count from 0, ends are inclusive")
    return list(span(words, first, last))
