"""Reads the cells of a table that hold something other than plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_span = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*\]")


def _entity(cell: str) -> object:
    """A span, where the cell is written as one; else the cell as it is."""
    found = _span.fullmatch(cell.strip())
    return [int(number) for number in found.groups()] if found else cell


def _flag(cell: str) -> object:
    """True or false in the words that spreadsheets use; None for a blank cell; else the cell."""
    word = cell.strip().lower()
    return WORDS.get(word, cell) if word else None


def _listed(cell: str) -> object:
    """A list, where the cell is a JSON list; else the cell as it is."""
    try:
        return msgspec.json.decode(cell, type=list[object]) if cell.lstrip()[:1] == "[" else cell
    except (msgspec.DecodeError, RecursionError):
        return cell


Cell = Callable[[str], object]
CELLS: Mapping[str, Cell] = {
    "head": _entity,
    "tail": _entity,
    "may_ship": _flag,
    "spans": _listed,
    "choices": _listed,
}
"""How cells are read, by field."""
