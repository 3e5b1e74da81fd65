"""Decodes small JSON files into typed values, and puts JSON errors into words for messages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.files import read_utf8, refused
from appliance.text import printable

TYPES = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
_expected = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_length = re.compile(r"Expected `array` of length (\d+)(, got \d+)?")
_field = re.compile(r"Object (missing required|contains unknown) field `([^`]*)`")

T = TypeVar("T")


def decode(path: Path, kind: type[T], layout: str) -> T:
    """Decodes a JSON file as ``kind``. Raises InputError, ending with ``layout``, where that
    fails."""
    try:
        return msgspec.json.decode(read_utf8(path, f"one JSON object; {layout}"), type=kind)
    except RecursionError:
        raise refused(path, f"is nested too deeply; {layout}") from None
    except msgspec.DecodeError as error:
        raise refused(path, f"{in_words(error)}; {layout}") from None


def in_words(error: msgspec.DecodeError) -> str:
    """The error as a phrase for a message: 'is a list, not an object', 'a[0] has no "text"'."""
    what, _, at = printable(str(error)).partition(" - at `$")
    if not isinstance(error, msgspec.ValidationError):
        why = what.removeprefix("JSON is malformed: ").replace(
            "Input data was truncated", "it breaks off"
        )
        return f"is not JSON: {why}"
    place = re.sub(r"^\[\.\.\.\]", "a value", at.removesuffix("`").removeprefix("."))
    if found := _expected.fullmatch(what):
        wanted, got = (
            " or ".join(TYPES.get(t, t) for t in part.split(" | ")) for part in found.groups()
        )
        problem = f"is {got}, not {wanted}"
    elif found := _length.fullmatch(what):
        problem = f"is not a list of {found[1]}"
    elif found := _field.fullmatch(what):
        problem = (
            f'has {"no" if found[1].startswith("missing") else "an unknown field"} "{found[2]}"'
        )
    else:
        problem = f"is wrong: {what}"
    return f"{place} {problem}".lstrip()
