"""Rows that are added to a task: they join tuning, and selection and test stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from appliance.data.split.division import Division
from appliance.data.split.gathered import Gathered
from appliance.data.split.index import Numbers
from appliance.data.split.stratify import shuffled
from appliance.errors import DamagedError
from appliance.task import SPLITS, Split

SEED = 0
"""Shuffles tuning, so that added rows are not always asked about last."""


def added(rows: Gathered, first: int, splits: Mapping[Split, Sequence[str]]) -> Division:
    """The splits of a task whose rows come before number ``first``, with the later rows in tuning.

    ``splits`` are the ids of the task's rows by split. A later row belongs to no split if its text,
    its group or its entities tie it to a row of selection or test (``ties``). Which texts count as
    the same is decided by the task's own rows, as when it was split. Raises DamagedError where a
    row of the splits is not among the task's.
    """
    earlier, every = np.arange(first), np.arange(len(rows))
    parts = _numbers(rows, earlier, splits)
    held = np.concatenate([parts["selection"], parts["test"]])
    new = rows.kept[rows.kept >= first]
    text, aside = rows.index.text(every, earlier), rows.index.aside
    tied = np.isin(text[new], text[held])
    tied |= (aside[new] != 0) & np.isin(aside[new], aside[held])
    joining = new[~tied]
    parts["tuning"] = shuffled(rows.index, np.concatenate([parts["tuning"], joining]), SEED)
    notes = [f"rows added to tuning: {len(joining)}"]
    if left := len(new) - len(joining):
        notes.append(
            "rows left out of tuning, because their text, group or pair of entities stands in "
            f"selection or test: {left}"
        )
    return Division(parts, left, tuple(notes))


def _numbers(
    rows: Gathered, earlier: Numbers, splits: Mapping[Split, Sequence[str]]
) -> dict[Split, Numbers]:
    """The numbers of the rows of each split, in its order."""
    ids = rows.index.ids[earlier]
    order = np.argsort(ids)

    def of(split: Split) -> Numbers:
        wanted = np.array([int(id, 16) for id in splits[split]], np.uint64)
        if missing := int(np.count_nonzero(~np.isin(wanted, ids))):
            raise DamagedError(
                f"the task is damaged in the store: rows of {split} are missing: {missing}"
            )
        found: Numbers = order[np.searchsorted(ids, wanted, sorter=order)]
        return found

    return {split: of(split) for split in SPLITS}
