"""The names of class numbers, which a person gives with ``--class-names``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.text import quoted

_number = re.compile(r"(-?\d+)(?:\.0+)?")
"""A whole number, also as a float."""


def named(label: str, names: Sequence[str]) -> str:
    """The name of a class number, counted from 0, or the label itself where it is one of the names.

    Raises ValueError where it is neither.
    """
    found = _number.fullmatch(label.strip())
    if not found:
        if label in names:
            return label
        what = f"{quoted(label)} is neither a class number nor one of the names"
        raise ValueError(f"{what}; mend --class-names")
    number = int(found[1])
    if number < 0:
        raise ValueError(f"{number} is no class; give the row a class, or remove it")
    if number >= len(names):
        what = f"class {number} has no name: {len(names)} are given"
        raise ValueError(f"{what}; mend --class-names")
    return names[number]
