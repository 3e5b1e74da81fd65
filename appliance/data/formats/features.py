"""Converts values of Arrow columns to plain ones, with Hugging Face's class numbers as names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any, feature: Any = None) -> Any:
    """Converts a value to strings, numbers, lists and dicts.

    Dates and the like become text; bytes become text where they are UTF-8, and else stay bytes.
    ``feature`` is what Hugging Face's ``datasets`` says of the column: a class number becomes
    its name, in lists and structs as well, and -1 (no class) becomes None. Raises ValueError for a
    number without a name.
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


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _name(number: Any, names: Any) -> Any:
    if not isinstance(number, int) or not isinstance(names, list) or number == -1:
        return None if number == -1 else number
    if not 0 <= number < len(names):
        raise ValueError(f"class {number} has no name: {len(names)} are given")
    return names[number]
