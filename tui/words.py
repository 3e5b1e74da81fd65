"""Figures and foreign text as the window writes them."""

from __future__ import annotations

from appliance.text import printable


def duration(milliseconds: float) -> str:
    """``4:12``, or ``1:04:12`` from an hour on. Cost units are milliseconds of this host."""
    minutes, seconds = divmod(round(max(milliseconds, 0.0) / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def interval(low: float, high: float) -> str:
    return f"[{low:.3f}, {high:.3f}]"


def signed_interval(low: float, high: float) -> str:
    return f"[{low:+.3f}, {high:+.3f}]"


def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def lines(text: str) -> str:
    """A text of many lines, each of them made safe for a terminal."""
    return "\n".join(printable(line) for line in text.split("\n"))
