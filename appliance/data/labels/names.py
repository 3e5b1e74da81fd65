"""Checks that a prompt can write the names of labels and that a reader can tell them apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from appliance.data.bad_rows import LEAST_ROWS, LISTED
from appliance.files import refused
from appliance.task import BETWEEN
from appliance.text import is_blank, is_invisible, quoted

DIVIDED = re.compile("[;|]")
"""The separators in a string that stands for a list."""

LINE_BREAKING = frozenset({"Cc", "Zl", "Zp"})


def reading(label: str) -> str:
    """What is left of a label without case, white space, punctuation and Unicode variants."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    kept = "".join(c for c in folded if not (is_invisible(c) or unicodedata.category(c)[0] == "P"))
    return kept or "".join(folded.split())


def read_the_same(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different labels that a reader, or a model, could not tell apart."""
    ordered = sorted(set(labels), key=lambda label: (reading(label), label))
    return [(a, b) for a, b in pairwise(ordered) if reading(a) == reading(b)]


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


def check_labels(
    path: Path, labels: Sequence[str], none: str | None, counts: Mapping[str, int], hint: str = ""
) -> None:
    """Raises InputError unless the labels can be told apart and each has rows for three splits.

    ``hint`` is added to the message where a label with too few rows contains a separator
    (``DIVIDED``).
    """
    check_names(path, labels, none)
    if len(labels) < 2:
        raise refused(path, "has fewer than 2 labels; there is nothing to tell apart")
    if few := [label for label in labels if counts.get(label, 0) < LEAST_ROWS]:
        listed = ", ".join(f"{quoted(label)} {counts.get(label, 0)}" for label in few[:LISTED])
        what = f"too few different rows to split: {listed}; each label needs {LEAST_ROWS}"
        joined = hint if any(DIVIDED.search(label) for label in few) else ""
        raise refused(path, f"{what}: add rows or remove the label{joined}")


def check_names(path: Path, labels: Sequence[str], none: str | None) -> None:
    """Raises InputError unless the labels can be told apart, and ``none`` is one of them."""
    if defects := [defect for label in labels if (defect := label_defect(label))]:
        raise refused(path, f"label {defects[0]}")
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise refused(path, f"label {quoted(twice)} is given twice; remove one")
    if same := read_the_same(labels):
        pairs = "; ".join(f"{quoted(a)} and {quoted(b)}" for a, b in same[:LISTED])
        raise refused(path, f"labels that read the same: {pairs}; use one spelling for each")
    if none is not None and none not in labels:
        known = ", ".join(map(quoted, labels[:LISTED]))
        raise refused(path, f"no label {quoted(none)}, given as none of the above; found: {known}")
