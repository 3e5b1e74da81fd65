"""Reads a file of the entity types that each relation can hold between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.data.decoding import decode
from appliance.files import refused
from appliance.task import Label
from appliance.text import quoted

LAYOUT = 'a types file is {"RELATION": [["HEAD_TYPE", "TAIL_TYPE"], ...]}'


def with_types(path: Path | None, labels: Sequence[Label]) -> list[Label]:
    """Returns the labels with their pairs of entity types.

    A label that the file leaves out can hold between any types, and so can every label where there
    is no file. Raises InputError where the file names a relation that is not among the labels.
    """
    if path is None:
        return list(labels)
    pairs = decode(path, dict[str, list[tuple[str, str]]], LAYOUT)
    if unknown := sorted(set(pairs) - {label.name for label in labels}):
        what = f"{quoted(unknown[0])} is none of the relations that are asked for"
        raise refused(path, f"{what}; write them as the data do, or leave it out")
    return [
        msgspec.structs.replace(label, pairs=tuple(pairs.get(label.name, ()))) for label in labels
    ]
