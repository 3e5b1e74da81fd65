"""Finds the rows that have to stay on one side of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from appliance.task import Example
from appliance.text import key_with_digits, near_duplicate_key

Tie = Literal["group", "entities", "text"]
"""What ties rows: an equal ``group``, or without a group two equal entities; and an equal text."""

Hashes = NDArray[np.uint64]


def ties(row: Example) -> dict[Tie, str]:
    """The ties of a row: all rows that share one of them have to stay on one side.

    The order of the two entities does not count. Some texts that differ only in digits are not tied
    after all (``Index.text``).
    """
    side: dict[Tie, str] = {}
    if row.group:
        side["group"] = row.group
    elif row.head is not None:
        parts = (row.head_text, row.tail_text)
        side["entities"] = "\n".join(sorted(key_with_digits(part) for part in parts))
    return {**side, "text": near_duplicate_key(row.text)}


def clusters(columns: Sequence[Hashes]) -> NDArray[np.int64]:
    """The number of each row's cluster: rows that are tied, directly or through others, share one.

    Each column holds a hash for each of n rows, 0 for none; rows with an equal hash are tied.
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
