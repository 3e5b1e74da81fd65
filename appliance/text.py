"""Foreign text where people read it: safe on a terminal, and what of it is visible at all."""

from __future__ import annotations

import unicodedata

QUOTED = 60
"""Characters of a quotation at most."""

INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode categories of characters that leave no mark."""


def printable(text: str) -> str:
    """One line that is safe on a terminal: what is not a visible character stands escaped.

    Escapes control, format (bidirectional and zero-width), private and unassigned characters and
    line breaks, so that no row of data can move the cursor, recolour or reorder what is shown.
    """
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else _escaped(c) for c in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def quoted(text: str) -> str:
    """``text`` for a message: printable, shortened, in quotes."""
    shortened = text if len(text) <= QUOTED else text[:QUOTED] + "…"
    return f'"{printable(shortened)}"'


def is_blank(text: str) -> bool:
    """True if nothing of the text is visible: white space, controls, zero-width characters."""
    return all(map(is_invisible, text))


def is_invisible(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE
