"""Refuses splits that lack a label because too many rows stay together, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.data.bad_rows import LEAST_ROWS
from appliance.data.choices import Sizes
from appliance.data.split.gathered import Gathered
from appliance.data.split.index import Numbers, hash64
from appliance.data.split.ties import Tie, clusters, ties
from appliance.files import refused
from appliance.task import SPLITS, Split
from appliance.text import quoted

TIED: dict[Tie, tuple[str, str]] = {
    "group": ("have the same group", "add rows of other groups"),
    "entities": ("name the same two entities", "add rows of other entities"),
    "text": ("differ only in case, white space and digits", "add rows of other words"),
}
"""For each tie: what the rows that stay on one side have in common, and what to do."""


def check_parts(
    path: Path, rows: Gathered, parts: Mapping[Split, Numbers], labels: Sequence[str]
) -> None:
    """Raises InputError where a split has no row, or no row of one of the labels."""
    for name, part in parts.items():
        found = set(rows.index.strata(part)[0].tolist())
        if without := [label for label in labels if hash64(label) not in found]:
            what = f"the {name} split gets no row of {quoted(without[0])}"
            raise refused(path, f"{what}: {_why(rows, without[0])}")
        if not found:
            raise refused(path, f"the {name} split gets no row: {_why(rows, None)}")


def check_room(path: Path, labels: Sequence[str], sizes: Sizes) -> None:
    """Raises InputError where a split has room for fewer rows than there are labels."""
    room = sizes.most or (len(labels),) * len(SPLITS)
    if min(room) < len(labels):
        split = SPLITS[room.index(min(room))]
        example = ",".join(str(n * len(labels)) for n in (2, 1, 2))
        what = f"there are {len(labels):,} labels, and the {split} split has room for {min(room):,}"
        raise refused(path, f"{what} rows; give larger --sizes, as in {example}")


def check_brought(path: Path, sides: NDArray[np.int8], parts: Mapping[Split, Numbers]) -> None:
    """Raises InputError where a split that a file brings has no row. ``sides`` are the numbers of
    the splits that all rows say they belong to."""
    for number, (name, part) in enumerate(parts.items()):
        if len(part):
            continue
        if name != "selection" and not (sides == number).any():
            remedy = f"say which are: --split-value {name}=VALUE"
            raise refused(path, f"no row is of the {name} split; {remedy}")
        what = f"the {name} split gets no row, because no text may stand in two splits"
        raise refused(path, f"{what}; add rows of other texts")


def _why(rows: Gathered, label: str | None) -> str:
    """Says how many rows stay together with most of the label's, and what most of them share."""
    kept = rows.kept
    columns = [rows.index.aside[kept], rows.index.text(kept)]
    own = np.ones(len(kept), np.bool_)
    if label is not None:
        own = rows.index.strata(kept)[0] == hash64(label)
    cluster = clusters(columns)
    if len(np.unique(cluster[own])) >= LEAST_ROWS:
        return "its share is too small; add rows, or give other --sizes"
    together = _most(cluster, np.arange(len(kept)), own)
    alike = [
        _most(np.unique(column[tied], return_inverse=True)[1], tied, own)
        for column in columns
        if len(tied := together[column[together] != 0])
    ]
    aside, text = alike[0], alike[-1]
    shared = max(aside, text, key=lambda tied: (own[tied].sum(), len(tied)))
    one, other = kept[shared[np.argsort(~own[shared], kind="stable")][:2]].tolist()
    tie: Tie = "text" if shared is text else next(iter(ties(rows.example(one))))
    have, remedy = TIED[tie]
    of_label = "" if label is None else f", {own[together].sum()} of them of this label"
    return (
        f"{len(together)} rows stay together{of_label}; {rows.place(one)} and "
        f"{rows.place(other)}, for example, {have}: {remedy}"
    )


def _most(
    values: NDArray[np.int64], of: NDArray[np.int64], own: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The rows ``of`` that have the commonest value: among own rows first, then among all rows."""
    every, mine = np.bincount(values), np.bincount(values, weights=own[of])
    found: NDArray[np.int64] = of[values == np.lexsort((every, mine))[-1]]
    return found
