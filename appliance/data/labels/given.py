"""The labels of a task, from a labels file or from its rows, in the order to list them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance.data.bad_rows import LEAST_ROWS
from appliance.data.choices import Choices, several
from appliance.data.decoding import decode
from appliance.data.labels.delimited import delimiter_of
from appliance.data.labels.names import check_counts, check_names, label_defect
from appliance.data.labels.types import with_types
from appliance.files import refused
from appliance.kinds import KINDS, Kind
from appliance.task import Label
from appliance.text import quoted

LAYOUT = 'a labels file is [{"name": ..., "description": ..., "words": ...}, ...]'


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str = ""
    words: str = ""


def read_labels(path: Path, kind: Kind) -> list[Label]:
    """Reads a labels file, in which ``description`` and ``words`` may be left out.

    Raises InputError that names the file.
    """
    given = decode(path, list[_Given], LAYOUT)
    labels = [Label(each.name, each.description, words=each.words) for each in given]
    for label in labels:
        if label.words and KINDS[kind].gold == "spans":
            written = "has words, and entity types are written by their names; leave the words out"
            raise refused(path, f"label {quoted(label.name)} {written}")
        if label.words and (defect := label_defect(label.words)):
            raise refused(path, f"words of label {quoted(label.name)}: what is written {defect}")
    check_names(path, labels, None, may_have_words=KINDS[kind].gold == "label")
    return labels


def labels_of(
    path: Path, counts: Mapping[str, int], rows: int, choices: Choices, *, split: bool
) -> list[Label]:
    """The labels in the order given, or else sorted, with none of the above last.

    ``rows`` is the number of rows, and ``counts`` says how many of them have each label. Raises
    InputError where they make no task; where rows are to be ``split``, they have to suffice for it.
    """
    if split and rows < LEAST_ROWS and not choices.one_label:
        what = f"too few different rows to split: {rows}; a task needs {LEAST_ROWS}"
        raise refused(path, f"{what}: add rows")
    if not choices.labelled:
        return []
    labels = choices.labels
    if labels is None:
        names = sorted(counts, key=lambda name: (name == choices.none, name))
        labels = [Label(name) for name in names]
    kind = KINDS[choices.kind]
    check_names(path, labels, choices.none, may_have_words=kind.gold == "label")
    if choices.one_label:
        mark = delimiter_of(counts) if kind.may_have_several else None
        hint = "" if choices.labels else " (or leave its rows out with --on-error skip)"
        hint += f"; {several(mark)}" if mark else ""
        check_counts(path, labels, counts, hint, LEAST_ROWS if split else 0)
    if not counts:
        what = "entity" if kind.gold == "spans" else "label"
        raise refused(path, f"has no {what} in any row; there is nothing to find")
    return with_types(choices.types, labels)
