"""Checks whether entities that are given by their characters end where words end."""

from __future__ import annotations


class EntityEnds:
    """Counts the entities that are given as [start, end), and those that end inside a word.

    Entities that end inside a word show that a file means the end to be inclusive. In scripts
    without upper and lower case this cannot be seen.
    """

    def __init__(self) -> None:
        self._given = 0
        self._inside = 0

    def add(self, text: str, end: int) -> None:
        self._given += 1
        self._inside += end < len(text) and _in_word(text[end - 1]) and _in_word(text[end])

    @property
    def notes(self) -> tuple[str, ...]:
        """A note where at least half of the entities end inside a word, else nothing."""
        if not self._given or 2 * self._inside < self._given:
            return ()
        return (
            f"{self._inside} of {self._given} entities that are given as [start, end) end inside a "
            "word: end is exclusive, one more than the last character",
        )


def _in_word(character: str) -> bool:
    return character.isdecimal() or character.lower() != character.upper()
