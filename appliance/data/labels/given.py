"""The labels of a task, from a labels file or from its rows, in the order to list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from appliance.data.bad_rows import LEAST_ROWS
from appliance.data.choices import SEVERAL, Choices
from appliance.data.decoding import decode
from appliance.data.labels.names import (
    check_labels,
    check_names,
    label_defect,
    reading,
)
from appliance.data.labels.types import with_types
from appliance.files import refused
from appliance.kinds import KINDS
from appliance.task import Label
from appliance.text import quoted

LAYOUT = 'a labels file is [{"name": ..., "description": ..., "words": ...}, ...]'


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str = ""
    words: str = ""


def read_labels(path: Path) -> list[Label]:
    """Reads a labels file, in which ``description`` and ``words`` may be left out.

    Raises InputError that names the file.
    """
    given = decode(path, list[_Given], LAYOUT)
    labels = [Label(each.name, each.description, words=each.words) for each in given]
    if any(label.words for label in labels):
        _check_words(path, labels)
    return labels


def _check_words(path: Path, labels: Sequence[Label]) -> None:
    """Raises InputError where words cannot be a label, or two labels are written the same."""
    seen: dict[str, str] = {}
    for label in labels:
        if label.words and (defect := label_defect(label.words)):
            raise refused(path, f"words of label {quoted(label.name)}: what is written {defect}")
        other = seen.setdefault(reading(label.words or label.name), label.name)
        if other != label.name:
            pair = f"labels {quoted(other)} and {quoted(label.name)}"
            raise refused(path, f"{pair} are written the same; give each words of its own")


def labels_of(path: Path, counts: Mapping[str, int], rows: int, choices: Choices) -> list[Label]:
    """The labels in the order given, or else sorted, with none of the above last.

    ``rows`` is the number of rows, and ``counts`` says how many of them have each label. Raises
    InputError where they make no task.
    """
    if rows < LEAST_ROWS and not choices.one_label:
        what = f"too few different rows to split: {rows}; a task needs {LEAST_ROWS}"
        raise refused(path, f"{what}: add rows")
    if not choices.labelled:
        return []
    labels = choices.labels
    if labels is None:
        names = sorted(counts, key=lambda name: (name == choices.none, name))
        labels = [Label(name) for name in names]
    if KINDS[choices.kind].gold == "spans" and (
        other := [label.name for label in labels if label.words]
    ):
        written = "has words, and entity types are written by their names; leave the words out"
        raise refused(path, f"label {quoted(other[0])} {written}")
    names = [label.name for label in labels]
    if choices.one_label:
        hint = f"; {SEVERAL}" if KINDS[choices.kind].may_have_several else ""
        check_labels(path, names, choices.none, counts, hint)
    else:
        check_names(path, names, choices.none)
    if not counts:
        what = "entity" if KINDS[choices.kind].gold == "spans" else "label"
        raise refused(path, f"has no {what} in any row; there is nothing to find")
    return with_types(choices.types, labels)
