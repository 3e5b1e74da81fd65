"""Values of Arrow columns as plain ones, with classes by their names as Hugging Face keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def plain(value: Any, feature: Any = None) -> Any:
    """Strings, numbers, lists and dicts. Dates and the like as text; bytes too, unless they are no
    UTF-8: then nothing.

    ``feature`` is what Hugging Face's ``datasets`` says of the column: a class number becomes its
    name, in lists and structs as well, and -1 (no class) nothing. Raises ValueError for a number
    without a name.
    """
    is_list = isinstance(feature, Mapping) and "_type" in feature and "feature" in feature
    inner = feature["feature"] if is_list else feature
    if isinstance(value, list | tuple):
        element = inner[0] if isinstance(inner, list) and inner else inner
        return [plain(item, element) for item in value]
    if isinstance(value, dict):
        parts = inner if isinstance(inner, Mapping) else {}
        return {name: plain(item, parts.get(name)) for name, item in value.items()}
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel":
        return _name(value, feature.get("names"))
    return value if value is None or isinstance(value, str | int | float) else str(value)


def flat(row: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """Fields and their values, those of a struct as "struct.field"; nulls are left out."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        elif value is not None:
            yield before + name, value


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _name(number: Any, names: Any) -> Any:
    if not isinstance(number, int) or not isinstance(names, list) or number == -1:
        return None if number == -1 else number
    if not 0 <= number < len(names):
        raise ValueError(f"class {number} has no name: {len(names)} are given")
    return names[number]
