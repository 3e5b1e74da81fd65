"""Answers that a model wrote after the words that draw them out: what was said, and is it right?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from appliance.task import Match

CLOSING = ".,;:!?。．，、；：！？"
"""Punctuation that may end an answer without a meaning."""

PAIRS = (
    ('"', '"'), ("'", "'"), ("`", "`"), ("**", "**"), ("(", ")"), ("[", "]"), ("“", "”"),
    ("„", "“"), ("„", "”"), ("‘", "’"), ("«", "»"), ("»", "«"), ("「", "」"), ("『", "』"),
)  # fmt: skip
"""Quotation marks, brackets and emphasis that may stand around an answer without a meaning."""

_SIGNS = str.maketrans("−–－／⁄∕．٫٬’\u00a0\u2009\u202f", "---///..,'   ")
_number = re.compile(
    r"""
    (?<![A-Za-z0-9_])(?<![0-9][.,])(?<![0-9]/)(?<![0-9]/\ )(?<![0-9]\ /)(?<![0-9]\ /\ )
    (?P<minus>(?<![\w)])-(?:[$€£¥₹]\ ?)?)?
    (?:
      (?:(?P<whole>\d+)\ +)?(?P<top>\d+)\ ?/\ ?(?!0+(?!\d))(?P<bottom>\d+)(?!\d|[./]\d)
    | (?P<comma>[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d+)?)(?!,?\d)
    | (?P<dot>[1-9]\d{0,2}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,}))(?!\.?\d)
    | (?P<space>[1-9]\d{0,2}(?:[ ']\d{3})+(?:[.,]\d+)?)(?!\d)
    | (?P<plain>(?!0[xX][0-9A-Fa-f])
        (?>\d+(?:\.\d+|,\d+(?![.,]?\d))?|\.\d+)(?:[eE][+-]?\d{1,3}(?!\w))?)(?!\d)
    )
    (?!_\d|[eE][+-]?\d|(?:[ ']\d{3})*\ ?/\ ?0+(?![\d/]))
    """,
    re.VERBOSE | re.ASCII,
)


def predicted(text: str, match: Match) -> str:
    """The answer in the first line that is not blank, empty where there is none.

    Under ``numeric`` it is the line's first number, else the line without closing punctuation and
    without quotation marks and brackets around it.
    """
    line = text.strip().partition("\n")[0]
    if match != "numeric":
        return _bare(line)
    found = _number.search(_in_digits(line))
    return found[0] if found else ""


def matches(predicted: str, gold: Sequence[str], match: Match) -> bool:
    """Whether ``predicted`` is one of the right answers: exactly the same number under ``numeric``,
    else the same text but for case, Unicode variants (NFKC), white space and outer punctuation."""
    if match == "numeric":
        value = number(predicted)
        return value is not None and any(number(right) == value for right in gold)
    read = _plain(predicted)
    # What is bare before it is NFKC need not be so after it: "(（)".
    return bool(read) and any(read in (_plain(right), _plain(_bare(right))) for right in gold)


def number(text: str) -> Fraction | None:
    """The first number in digits: ``-3``, ``$1,234.50``, ``1 234``, ``1.234,50``, ``3,5``, ``12%``
    (12), ``1 1/2``, ``½``, ``1e3``. Digits that follow a Latin letter belong to a word. What only
    begins as a number is none: ``1_000``, ``0x10``, ``1/0``, ``1e9999``."""
    found = _number.search(_in_digits(text))
    if found is None:
        return None
    if found["top"]:
        value = _fraction(found["top"]) / _fraction(found["bottom"]) + _fraction(found["whole"])
    elif found["comma"]:
        value = _fraction(found["comma"].replace(",", ""))
    elif found["dot"]:
        value = _fraction(found["dot"].replace(".", "").replace(",", "."))
    else:
        digits = found["space"] or found["plain"]
        value = _fraction(re.sub(r"[ ']", "", digits).replace(",", "."))
    return -value if found["minus"] else value


def is_one_number(text: str) -> bool:
    """Whether a text holds a number in digits and no other digit, so that nobody can read another
    number out of it."""
    digits = _in_digits(text)
    found = _number.search(digits)
    if found is None:
        return False
    rest = digits[: found.start()] + digits[found.end() :]
    return not any(map(str.isdigit, rest))


def _fraction(digits: str | None) -> Fraction:
    return Fraction(Decimal(digits or 0))


def _in_digits(text: str) -> str:
    """The text with digits, signs and fractions of all scripts in ASCII."""
    return "".join(map(_in_ascii, f" {text}", text)).translate(_SIGNS)


def _in_ascii(before: str, character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.decomposition(character).startswith("<fraction>"):
        return (" " if before.isdecimal() else "") + _nfkc(character)
    return character


def _bare(text: str) -> str:
    """The text without punctuation around it, unless nothing would be left: an answer can be a
    bracket."""
    text = text.strip()
    while True:
        inner = text.rstrip(CLOSING).rstrip()
        for before, after in PAIRS:
            within = inner.removeprefix(before).removesuffix(after)
            around = len(inner) - len(within) == len(before) + len(after)
            if around and before not in within and after not in within:
                inner = within.strip()
        if not inner or inner == text:
            return text
        text = inner


def _plain(text: str) -> str:
    return " ".join(_bare(_nfkc(_nfkc(text).casefold())).split())


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
