"""Reads entities that are given by where they begin and end, and finds what unit that is in."""

from __future__ import annotations

from typing import Literal

from appliance.data.spans import find_span, is_pair
from appliance.task import Span
from appliance.text import quoted

Unit = Literal["characters", "UTF-16 units", "UTF-8 bytes"]

CODES: dict[Unit, tuple[str, int]] = {"UTF-16 units": ("utf-16-le", 2), "UTF-8 bytes": ("utf-8", 1)}
"""What else offsets may count: the encoding, and the bytes of one unit in it. JavaScript and Java
count UTF-16 units, of which an emoji has two."""


class Offsets:
    """Turns [start, end) in a ``unit`` into characters, and counts the entities that do not fit.

    An entity fits if its text is the one given with it, and else if it begins and ends where words
    do, and not with white space. In scripts without upper and lower case words cannot be told
    apart, so that an entity may fit in two units.
    """

    def __init__(self, unit: Unit = "characters") -> None:
        self.unit = unit
        self._given = self._inside = self._astray = 0
        self._undecided = self._compared = 0
        self._example = ""
        self._misfits: dict[Unit, list[int]] = {other: [0, 0, 0] for other in CODES}

    def span(self, text: str, place: object, written: str | None = None) -> Span:
        """The span of an entity in characters. ``written`` is its text, where that is given too.

        Raises ValueError that says what is wrong and what to do.
        """
        if not is_pair(place):
            return find_span(text, place)
        self._try_units(text, place, written)
        found = in_characters(text, place, self.unit)
        if found is None:
            raise ValueError(f"{place} does not lie in the text; offsets are read as {self.unit}")
        start, end = find_span(text, found)
        _compare(text, start, end, written)
        self._given += 1
        self._inside += _divides(text, end)
        if _divides(text, start) or _outer_space(text, start, end):
            self._astray += 1
            self._example = self._example or text[start:end]
        return start, end

    @property
    def better(self) -> Unit:
        """The unit in which the entities fit, where at least half of those that it moves do not fit
        as characters."""
        mended = {
            unit: left
            for unit, (moved, misfits, left) in self._misfits.items()
            if misfits and 2 * misfits >= moved and 4 * left <= misfits
        }
        return min(mended, key=lambda unit: mended[unit], default="characters")

    @property
    def notes(self) -> list[str]:
        """Notes on all entities that were read."""
        of = f"of {self._given} entities that are given as [start, end)"
        notes = []
        if self.unit != "characters":
            moved, misfits, left = self._misfits[self.unit]
            other = ", or cover another text" if self._compared else ""
            notes.append(
                f"offsets are read as {self.unit}: as characters {misfits} of {moved} entities "
                "after an emoji or the like would begin or end inside a word, or with white space"
                f"{other}, and so {left} do"
            )
        elif self._undecided and 2 * self._undecided >= self._misfits["UTF-16 units"][0]:
            notes.append(
                f"{self._undecided} {of} stand after an emoji or the like, where nothing tells "
                "characters and UTF-16 units apart: they are read as characters; check them, or "
                "give the entities' text"
            )
        if self._inside and 2 * self._inside >= self._given:
            notes.append(
                f"{self._inside} {of} end inside a word: end is exclusive, one more than the last "
                "character"
            )
        if self._astray:
            notes.append(
                f"{self._astray} {of} begin inside a word, or begin or end with white space, as "
                f"{quoted(self._example)}"
            )
        return notes

    def _try_units(self, text: str, pair: list[int], written: str | None) -> None:
        """Counts, for each other unit, whether it moves the entity, and whether either fits."""
        if text.isascii():
            return
        for unit, counts in self._misfits.items():
            found = in_characters(text, pair, unit)
            if found != pair:
                usual, other = _fits(text, pair, written), _fits(text, found, written)
                counts[0] += 1
                counts[1] += not usual
                counts[2] += not other
                self._compared += written is not None
                self._undecided += unit == "UTF-16 units" and usual and other


def in_characters(text: str, pair: list[int], unit: Unit) -> list[int] | None:
    """[start, end) in characters; None where one of the two lies within a character or outside the
    text."""
    if unit == "characters" or text.isascii():
        return pair
    encoding, size = CODES[unit]
    data = text.encode(encoding)
    if not all(0 <= at * size <= len(data) for at in pair):
        return None
    try:
        return [len(data[: at * size].decode(encoding)) for at in pair]
    except UnicodeDecodeError:
        return None


def _fits(text: str, pair: list[int] | None, written: str | None) -> bool:
    if pair is None or not 0 <= pair[0] < pair[1] <= len(text):
        return False
    start, end = pair
    if written is not None:
        return text[start:end] == written
    return not (_divides(text, start) or _divides(text, end) or _outer_space(text, start, end))


def _divides(text: str, at: int) -> bool:
    """Whether a place lies inside a word."""
    return 0 < at < len(text) and _in_word(text[at - 1]) and _in_word(text[at])


def _outer_space(text: str, start: int, end: int) -> bool:
    return text[start].isspace() or text[end - 1].isspace()


def _in_word(character: str) -> bool:
    return character.isdecimal() or character.lower() != character.upper()


def _compare(text: str, start: int, end: int, written: str | None) -> None:
    """Raises ValueError where the text of an entity is not the one ``written`` for it."""
    if written is None or text[start:end] == written:
        return
    what = f"[{start}, {end}] is {quoted(text[start:end])} in the text, not {quoted(written)}"
    if text[start : end + 1] == written:
        raise ValueError(f"{what}; end is exclusive: write [{start}, {end + 1}]")
    raise ValueError(f"{what}; offsets count characters from 0, end is exclusive")
