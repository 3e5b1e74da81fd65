"""Holds all rows of a file: the rows on disk, and in memory what splits and notes need."""

from __future__ import annotations

from array import array
from collections.abc import Set
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.data.read.gold_answers import NUMBER
from appliance.data.split.index import Index, Numbers, hash64
from appliance.data.spool import Spool
from appliance.task import SPLITS, Example, Split

OFFERS, COUNTS, QUOTES, TYPED, REASONED, SEVERAL = (1 << i for i in range(6))
"""Bit flags for the traits of a row, in this order: it has choices; its answers are numbers; one of
its answers stands in the text; both its entities have types; it has reasoning; it has two labels or
more."""


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """A row with its place in the file."""

    place: str
    row: Example


class Gathered:
    """The rows are added first, and are then looked up by their numbers."""

    def __init__(self) -> None:
        self.index = Index()
        self._sides = array("b")
        self._rows: Spool[Placed] = Spool(Placed)
        self._traits = array("B")
        self._strata: set[str] = set()

    def add(self, place: str, row: Example, *, labelled: bool, split: Split | None = None) -> None:
        """``split`` is the one that the file says the row belongs to, if any."""
        self._rows.append(Placed(place, row))
        self.index.add(row)
        self._traits.append(_traits(row))
        self._sides.append(-1 if split is None else SPLITS.index(split))
        if labelled:
            self._strata.update(row.strata)

    def __len__(self) -> int:
        return len(self.index)

    def leave_out(self, labels: Set[str]) -> None:
        """Keeps no row with one of the labels, where each row has exactly one."""
        of_rows, _ = self.index.strata(self.kept)
        self.kept = self.kept[~np.isin(of_rows, [hash64(label) for label in labels])]
        self.labels = {name: n for name, n in self.labels.items() if name not in labels}

    @cached_property
    def _distinct(self) -> tuple[Numbers, NDArray[np.bool_]]:
        return self.index.distinct(np.argsort(-self.sides, kind="stable"))

    @property
    def sides(self) -> NDArray[np.int8]:
        """For every row the number of the split that the file says it belongs to; -1 for none."""
        return np.array(self._sides, np.int8)

    @property
    def duplicates(self) -> int:
        """How many rows are exact copies of others."""
        return len(self) - len(self._distinct[0])

    @cached_property
    def kept(self) -> Numbers:
        """The numbers of the rows, without exact duplicates: a test row stays before another."""
        return self._distinct[0]

    @property
    def ships(self) -> NDArray[np.bool_]:
        """For every row whether it may ship, which it may only where all its copies may."""
        return self._distinct[1]

    def place(self, number: int) -> str:
        return self._rows[number].place

    def example(self, number: int) -> Example:
        row = self._rows[number].row
        ships = bool(self.ships[number])
        return row if ships == row.may_ship else msgspec.structs.replace(row, may_ship=ships)

    def count(self, trait: int) -> int:
        """How many of the kept rows have the trait."""
        return int(np.count_nonzero(np.frombuffer(self._traits, np.uint8)[self.kept] & trait))

    @cached_property
    def labels(self) -> dict[str, int]:
        """Every label of the kept rows, with the number of them that have it."""
        counted = zip(*np.unique(self.index.strata(self.kept)[0], return_counts=True), strict=True)
        of = {int(hashed): int(count) for hashed, count in counted}
        return {label: of[hash64(label)] for label in sorted(self._strata)}


def _traits(row: Example) -> int:
    text = _plain(row.text)
    return (
        OFFERS * bool(row.choices)
        | COUNTS * all(map(NUMBER.fullmatch, row.answers))
        | QUOTES * any(_plain(answer) in text for answer in row.answers)
        | TYPED * bool(row.head_type and row.tail_type)
        | REASONED * bool(row.reasoning)
        | SEVERAL * (len(row.labels) > 1)
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
