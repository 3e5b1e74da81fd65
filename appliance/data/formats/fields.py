"""Reads fields of records, or says what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from appliance.data.bad_rows import LISTED
from appliance.data.decoding import in_words
from appliance.text import quoted

Record = Mapping[str, Any]
T = TypeVar("T")


def typed(record: Record, name: str, kind: type[T]) -> T:
    """The value of a field as ``kind``. Raises ValueError that names the field."""
    if name not in record:
        raise lacks(record, f"no {quoted(name)}")
    return converted(record[name], kind, f"{name}: ")


def lacks(
    record: Record, what: str, remedy: str = "give another --kind, or remove the row"
) -> ValueError:
    """An error that says what a record lacks, and what it has."""
    fields = [quoted(name) for name in record if not name.startswith("_")]
    return ValueError(f"has {what}; it has {', '.join(fields[:LISTED])}: {remedy}")


def converted(value: object, kind: type[T], before: str = "") -> T:
    """``value`` as ``kind``. Raises ValueError that says what is wrong, after ``before``."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(before + in_words(error)) from None
