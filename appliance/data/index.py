"""What has to be known of all rows at once, in some 60 bytes a row."""

from __future__ import annotations

import hashlib
from array import array

import numpy as np
from numpy.typing import NDArray

from appliance.data.ties import Hashes, ties
from appliance.task import Example

Numbers = NDArray[np.int64]
"""Of rows, from 0, in the order in which they were added."""


class Index:
    """Columns of 64-bit hashes, equal where rows share something: ``ids`` their content, ``asked``
    all but what is to be predicted, ``aside`` their group or entities (0 for neither), ``text``
    their near-duplicate key."""

    def __init__(self) -> None:
        self._ids, self._asked, self._aside, self._text = (array("Q") for _ in range(4))
        self._strata, self._ends, self._ships = array("Q"), array("Q", [0]), array("B")

    def add(self, row: Example) -> None:
        tied = ties(row)
        aside = [f"{tie}\n{what}" for tie, what in tied.items() if tie != "text"]
        self._ids.append(int(row.id, 16))
        self._asked.append(hash64(f"{row.text}\n{row.question}\n{row.head}\n{row.tail}"))
        self._aside.append(hash64(aside[0]) if aside else 0)
        self._text.append(hash64(tied["text"]))
        self._strata.extend(map(hash64, row.strata or ("",)))
        self._ends.append(len(self._strata))
        self._ships.append(row.may_ship)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Hashes:
        return _column(self._ids)

    @property
    def asked(self) -> Hashes:
        return _column(self._asked)

    @property
    def aside(self) -> Hashes:
        return _column(self._aside)

    @property
    def text(self) -> Hashes:
        return _column(self._text)

    def strata(self, rows: Numbers) -> tuple[Hashes, Numbers]:
        """The strata of ``rows``, one at least of each, one row's after the other's, and their
        ends (``gather``)."""
        places, ends = gather(_column(self._ends).astype(np.int64), rows)
        return _column(self._strata)[places], ends

    def distinct(self) -> tuple[Numbers, NDArray[np.bool_]]:
        """The first of each row and its exact duplicates; and of all rows whether they may ship:
        only where every copy may."""
        _, first, inverse = np.unique(self.ids, return_index=True, return_inverse=True)
        private = np.frombuffer(self._ships, np.uint8) == 0
        return np.sort(first), np.bincount(inverse, weights=private)[inverse] == 0


def gather(ends: Numbers, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Of items that stand one row's after the other's, row i's being [ends[i], ends[i + 1]): the
    places of the items of ``rows``, and their ends among these."""
    lengths = np.diff(ends)[rows]
    new = np.concatenate([[0], np.cumsum(lengths)])
    return np.repeat(ends[rows] - new[:-1], lengths) + np.arange(new[-1]), new


def hash64(text: str) -> int:
    """Two of a million texts have the same with probability 3e-8."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _column(values: array[int]) -> Hashes:
    return np.array(values, dtype=np.uint64)
