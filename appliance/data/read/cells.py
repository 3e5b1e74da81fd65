"""Reads text that stands for something else: the cells of a table, and lists written as text."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Mapping

import msgspec

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_span = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*\]")

_escape = (
    r"""\\(?:[\\'"nrt]|x[0-9a-f]{2}|u(?!d[89a-f])[0-9a-f]{4}|U00(?:0[1-9a-f]|10)[0-9a-f]{4})"""
)
_string = rf"""'(?:[^'\\\n]|{_escape})*+'|"(?:[^"\\\n]|{_escape})*+\""""
_item = rf"(?:{_string}|-?(?:0|[1-9][0-9]{{0,17}})(?:\.[0-9]+)?|True|False)"
_items = re.compile(rf"\[\s*+(?:{_item}(?:(?:\s*+,\s*+|\s++){_item})*+)?+\s*+\]")
"""A list as Python and pandas write it, or an array as NumPy does, without commas."""

_chosen = re.compile(r"""\{\s*['"]choices['"]\s*:\s*(\[.*\])\s*+\}""", re.DOTALL)
"""How Label Studio's CSV holds several labels."""


def listed(text: str) -> list[object] | None:
    """The list that a text stands for, in JSON, or as Python or NumPy prints it; else None."""
    text = text.strip()
    if found := _chosen.fullmatch(text):
        text = found[1]
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        return msgspec.json.decode(text, type=list[object])
    except (msgspec.DecodeError, RecursionError):
        if _items.fullmatch(text):
            return [literal_eval(item) for item in re.findall(_item, text)]
    return None


def _entity(cell: str) -> object:
    """A span, where the cell is written as one; else the cell as it is."""
    found = _span.fullmatch(cell.strip())
    return [int(number) for number in found.groups()] if found else cell


def _flag(cell: str) -> object:
    """True or false in the words that spreadsheets use; None for a blank cell; else the cell."""
    word = cell.strip().lower()
    return WORDS.get(word, cell) if word else None


def _json(cell: str) -> object:
    """A list, where the cell is a JSON list; else the cell as it is."""
    try:
        return msgspec.json.decode(cell, type=list[object]) if cell.lstrip()[:1] == "[" else cell
    except (msgspec.DecodeError, RecursionError):
        return cell


Cell = Callable[[str], object]
CELLS: Mapping[str, Cell] = {"head": _entity, "tail": _entity, "may_ship": _flag, "spans": _json}
"""How cells are read, by field. Lists of texts are read from text in every format (``listed``)."""
