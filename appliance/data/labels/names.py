"""Checks that a prompt can write the names of labels and that a reader can tell them apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.data.bad_rows import LEAST_ROWS, LISTED
from appliance.data.labels.spelling import differing, read_the_same
from appliance.files import refused
from appliance.task import BETWEEN, Label
from appliance.text import is_blank, quoted

LINE_BREAKING = frozenset({"Cc", "Zl", "Zp"})


def label_defect(label: str) -> str | None:
    """Why ``label`` cannot be a label, and what to do; None if it can."""
    if is_blank(label):
        return "is empty; name the label, or remove the row"
    if any(unicodedata.category(c) in LINE_BREAKING for c in label):
        return f"{quoted(label)} holds a line break or control character; a label is one plain line"
    if label != label.strip():
        return f"{quoted(label)} begins or ends with white space; remove it"
    if BETWEEN in label:
        return f"{quoted(label)} holds a bar between spaces, which stands between labels; rename it"
    return None


def check_counts(
    path: Path,
    labels: Sequence[Label],
    counts: Mapping[str, int],
    hint: str = "",
    least: int = LEAST_ROWS,
) -> None:
    """Raises InputError unless there are two labels, and each has ``least`` rows. ``hint`` is added
    to the message where one has not."""
    if len(labels) < 2:
        raise refused(path, "has fewer than 2 labels; there is nothing to tell apart")
    names = [label.name for label in labels]
    if few := [name for name in names if counts.get(name, 0) < least]:
        listed = ", ".join(f"{quoted(name)} {counts.get(name, 0)}" for name in few[:LISTED])
        what = f"too few different rows to split: {listed}; each label needs {least}"
        raise refused(path, f"{what}: add rows or remove the label{hint}")


def check_names(
    path: Path, labels: Sequence[Label], none: str | None, *, may_have_words: bool = False
) -> None:
    """Raises InputError unless the labels can be told apart, and ``none`` is one of them.

    ``may_have_words`` says that a labels file can give words to labels that read the same.
    """
    names = [label.name for label in labels]
    if defects := [defect for name in names if (defect := label_defect(name))]:
        raise refused(path, f"label {defects[0]}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise refused(path, f"label {quoted(twice)} is given twice; remove one")
    if same := read_the_same(labels):
        pairs = "; ".join(map(_pair, same[:LISTED]))
        worded = ", or give each words of its own with --labels" if may_have_words else ""
        raise refused(
            path, f"labels that read the same: {pairs}; use one spelling for each{worded}"
        )
    if none is not None and none not in names:
        known = ", ".join(map(quoted, names[:LISTED]))
        raise refused(path, f"no label {quoted(none)}, given as none of the above; found: {known}")


def _pair(labels: tuple[Label, Label]) -> str:
    """Two labels that read the same, and the code points that tell them apart."""
    one, other = (label.words or label.name for label in labels)
    names = " and ".join(
        quoted(label.name) + (f", written {quoted(label.words)}," if label.words else "")
        for label in labels
    ).removesuffix(",")
    return names + differing(one, other)
