"""Rows that are set aside as possible demonstrations of a fixed task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from appliance.task import Case, Example, Task

POOL = 3
"""Tuning rows of each label that are kept as possible demonstrations and never scored."""


def shot_pool(task: Task, tuning: Sequence[Case]) -> dict[str, tuple[str, ...]]:
    """The ids of the rows that may be demonstrations, by label.

    For each label they are the first tuning rows in the order of their hashes that may ship: at
    most ``POOL`` rows, and at most a third of the label's. Episodic tasks have none, because their
    episodes bring their own.

    A row with several labels, or with entities of several types, counts under the rarest of them,
    and a row with none under "". Questions that all offer the same choices count under the right
    one. Other questions have no labels and are dealt out to ``POOL`` names.
    """
    if task.protocol != "fixed":
        return {}
    rows = sorted((case.query for case in tuning), key=lambda row: row.id)
    labels = [label.name for label in task.labels]
    offered = {row.choices for row in rows}
    if labels:
        counts = Counter(stratum for row in rows for stratum in row.strata)
        names = [min(row.strata, key=lambda s: (counts[s], s), default="") for row in rows]
    elif len(offered) == 1 and any(offered):
        labels = list(rows[0].choices)
        names = [row.answers[0] for row in rows]
    else:
        names = [str(i % POOL + 1) for i in range(len(rows))]
    found: dict[str, list[Example]] = {label: [] for label in labels}
    for name, row in zip(names, rows, strict=True):
        found.setdefault(name, []).append(row)
    return {
        name: tuple(row.id for row in own if row.may_ship)[: min(POOL, len(own) // 3)]
        for name, own in found.items()
    }
