"""What keeps rows on one side of a split, and which rows it keeps together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from appliance.data.split.splits import key_with_digits, near_duplicate_key
from appliance.task import Example

Tie = Literal["group", "entities", "text"]
"""Their ``group``, else their two entities; and their text."""

Hashes = NDArray[np.uint64]


def ties(row: Example) -> dict[Tie, str]:
    """What must stay on one side: all rows that have one of these, whatever the entities' order.
    Of texts that differ only in digits not all do (``Index.text``)."""
    side: dict[Tie, str] = {}
    if row.group:
        side["group"] = row.group
    elif row.head is not None:
        parts = (row.head_text, row.tail_text)
        side["entities"] = "\n".join(sorted(key_with_digits(part) for part in parts))
    return {**side, "text": near_duplicate_key(row.text)}


def clusters(columns: Sequence[Hashes]) -> NDArray[np.int64]:
    """The number of each row's cluster: rows that are tied to one another, directly or in steps.

    Each column holds a hash for each of n rows, 0 for none; rows with the same one are tied.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = []
    for column in columns:
        _, first, inverse = np.unique(column, return_index=True, return_inverse=True)
        other = first[inverse]
        tied = np.flatnonzero((column != 0) & (other != np.arange(len(column))))
        ends.append((tied, other[tied]))
    one, other = (np.concatenate(side) for side in zip(*ends, strict=True))
    size = len(columns[0])
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    found: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return found
