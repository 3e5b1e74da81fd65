"""Notices a column that says which split each row is of, where nobody asked for it to be read."""

from __future__ import annotations

from collections.abc import Container, Mapping

from appliance.data.read.columns import SPLIT, Row, option
from appliance.task import Split
from appliance.text import quoted

USUAL = ("split", "fold", "set")
"""What files call such a column."""


class UnusedSplits:
    """Looks at the columns with a usual name, but for those that are ``read`` as something else.

    ``names`` are the values that mean a split, in lower case.
    """

    def __init__(self, names: Mapping[str, Split], read: Container[str]) -> None:
        self._names = names
        self._found: dict[str, set[Split]] = {name: set() for name in USUAL if name not in read}

    def see(self, row: Row) -> None:
        """Forgets the columns in which the row has another value than the name of a split."""
        for column in list(self._found):
            if (value := row.get(column)) is None or value == "":
                continue
            split = self._names.get(value.strip().casefold()) if isinstance(value, str) else None
            if split is None:
                del self._found[column]
            else:
                self._found[column].add(split)

    @property
    def notes(self) -> list[str]:
        """Notes on the columns that have both tuning and test rows: others bring no splits."""
        return [
            f"the splits that column {quoted(column)} names are not used; to keep them: "
            f"{option(SPLIT, column)}"
            for column, splits in self._found.items()
            if {"tuning", "test"} <= splits
        ]
