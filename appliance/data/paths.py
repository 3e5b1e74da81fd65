"""Finds values in nested records by paths, as in "data.text" or "answers.0.text"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def at(value: object, path: str) -> object:
    """Returns the value at a dotted path, or None where there is none.

    A part of the path is a key of an object, or an index of a list, from 0. A key that contains
    dots itself wins over the path that it looks like.
    """
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        found = _inside(value, ".".join(parts[:cut]))
        if found is not None and cut < len(parts):
            found = at(found, ".".join(parts[cut:]))
        if found is not None:
            return found
    return None


def flat(row: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Yields fields and their values, those of a struct as "struct.field"; nulls are left out."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        elif value is not None:
            yield before + name, value


def _inside(value: object, key: str) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None
