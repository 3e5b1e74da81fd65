"""Text from files: made safe to show on a terminal, looked at for anything visible, compared."""

from __future__ import annotations

import re
import unicodedata

QUOTED = 60
"""The most characters that a quotation shows."""

INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode categories of characters that leave no mark."""


def printable(text: str) -> str:
    """Returns the text as one line that is safe on a terminal.

    Control, format (bidirectional and zero-width), private and unassigned characters and line
    breaks are escaped, so that no row of data can move the cursor, recolour or reorder what is
    shown.
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
    """True if no character is visible: white space, controls and zero-width characters are not."""
    return all(map(is_invisible, text))


def is_invisible(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE


def near_duplicate_key(text: str) -> str:
    """Equal keys mean that texts differ only in case, white space, digits or Unicode variants."""
    return re.sub(r"\d+", "0", key_with_digits(text))


def key_with_digits(text: str) -> str:
    """Equal keys mean that texts differ only in case, white space or Unicode variants."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
