"""An index of all rows for finding duplicates and splitting, at some 70 bytes a row."""

from __future__ import annotations

import hashlib
from array import array

import numpy as np
from numpy.typing import NDArray

from appliance.data.bad_rows import LEAST_ROWS
from appliance.data.split.ties import Hashes, ties
from appliance.task import Example
from appliance.text import key_with_digits

MOST_ALIKE = 0.2
"""The largest share of a stratum's rows that may stay together because they differ only in digits.
A larger share does not fit into the smallest of the usual splits."""

Numbers = NDArray[np.int64]
"""Numbers of rows, from 0, in the order in which the rows were added."""


class Index:
    """Columns of 64-bit hashes, one a row, that are equal where two rows share something.

    Rows with equal ``ids`` have the same content. Rows with equal ``asked`` are the same but for
    what is to be predicted. Rows with equal ``aside`` have the same group or entities; it is 0 for
    a row with neither. Two further columns hold the near-duplicate keys of the texts, with digits
    and without.
    """

    def __init__(self) -> None:
        self._ids, self._asked, self._aside = (array("Q") for _ in range(3))
        self._text, self._words = array("Q"), array("Q")
        self._strata, self._ends, self._ships = array("Q"), array("Q", [0]), array("B")

    def add(self, row: Example) -> None:
        tied = ties(row)
        aside = [f"{tie}\n{what}" for tie, what in tied.items() if tie != "text"]
        self._ids.append(int(row.id, 16))
        self._asked.append(hash64(f"{row.text}\n{row.question}\n{row.head}\n{row.tail}"))
        self._aside.append(hash64(aside[0]) if aside else 0)
        self._text.append(hash64(key_with_digits(row.text)))
        self._words.append(hash64(tied["text"]))
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

    def text(self, rows: Numbers, among: Numbers | None = None) -> Hashes:
        """Hashes of the texts of ``rows``, equal where two texts count as the same.

        Two texts that differ only in digits count as the same, unless their digits tell them apart
        (``told_by_digits``).
        """
        told = self.told_by_digits(rows, among)
        return np.where(told, _column(self._text)[rows], _column(self._words)[rows])

    def told_by_digits(self, rows: Numbers, among: Numbers | None = None) -> NDArray[np.bool_]:
        """Which of ``rows`` have a text whose digits tell it apart from other texts.

        They do where many rows of one stratum (at least ``LEAST_ROWS``, and more than
        ``MOST_ALIKE`` of its rows) differ only in digits, as sums, codes and measured values do.
        Only the rows ``among`` are counted, where they are given, instead of ``rows``.
        """
        told = self._told(rows if among is None else among)
        return np.isin(_column(self._words)[rows], told)

    def _told(self, rows: Numbers) -> Hashes:
        """Hashes of the texts without digits whose digits tell them apart among ``rows``."""
        texts, words = _column(self._text)[rows], _column(self._words)[rows]
        strata, ends = self.strata(rows)
        key, word = np.unique(np.repeat(words, np.diff(ends)), return_inverse=True)
        _, stratum, sizes = np.unique(strata, return_inverse=True, return_counts=True)
        _, pair, counts = np.unique(
            stratum * len(key) + word, return_inverse=True, return_counts=True
        )
        alike = counts[pair]
        many = key[word[(alike >= LEAST_ROWS) & (alike > MOST_ALIKE * sizes[stratum])]]
        order = np.lexsort((texts, words))
        same = words[order][1:] == words[order][:-1]
        differ = words[order][1:][same & (texts[order][1:] != texts[order][:-1])]
        told: Hashes = np.intersect1d(many, differ)
        return told

    def strata(self, rows: Numbers) -> tuple[Hashes, Numbers]:
        """The strata of ``rows``, concatenated row by row, and the ends of each row's (``gather``).

        Every row has at least one.
        """
        places, ends = gather(_column(self._ends).astype(np.int64), rows)
        return _column(self._strata)[places], ends

    def distinct(self, order: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """The numbers of the rows without exact duplicates, and for every row whether it may ship.

        Of several duplicates the one is kept that comes first in ``order``, which lists all rows. A
        row may ship only where all its copies may.
        """
        _, first = np.unique(self.ids[order], return_index=True)
        _, inverse = np.unique(self.ids, return_inverse=True)
        private = np.frombuffer(self._ships, np.uint8) == 0
        return np.sort(order[first]), np.bincount(inverse, weights=private)[inverse] == 0


def gather(ends: Numbers, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Selects the items of some rows from a ragged array (compressed sparse rows).

    The items of row i are at [ends[i], ends[i + 1]). Returns the places of the items of ``rows``,
    one row after the other, and the ends of each row's items among these places.
    """
    lengths = np.diff(ends)[rows]
    new = np.concatenate([[0], np.cumsum(lengths)])
    return np.repeat(ends[rows] - new[:-1], lengths) + np.arange(new[-1]), new


def hash64(text: str) -> int:
    """A 64-bit hash. The probability that any two of a million texts collide is 3e-8."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _column(values: array[int]) -> Hashes:
    return np.array(values, dtype=np.uint64)
