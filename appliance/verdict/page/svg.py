"""Small figures as inline SVG: shapes with class names, which the page's style sheet colours."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from markupsafe import Markup

from appliance.text import printable

Point = tuple[float, float]


class Drawing:
    """A figure of ``width`` x ``height`` with a title and a description in words. Text is escaped,
    and an invisible character is shown by its escape sequence."""

    def __init__(self, name: str, width: int, height: int, title: str, description: str) -> None:
        self.root = ET.Element(
            "svg",
            {
                "viewBox": f"0 0 {width} {height}",
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-desc",
                "class": f"figure {name}",
            },
        )
        for tag, text in (("title", title), ("desc", description)):
            self._add(tag, id=f"{name}-{tag}").text = printable(text)

    def line(self, start: Point, end: Point, kind: str) -> None:
        (x1, y1), (x2, y2) = start, end
        self._add("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"class": kind})

    def dot(self, centre: Point, kind: str, radius: float = 5) -> None:
        self._add("circle", cx=centre[0], cy=centre[1], r=radius, **{"class": kind})

    def bar(self, corner: Point, width: float, height: float, kind: str) -> None:
        self._add("rect", x=corner[0], y=corner[1], width=width, height=height, **{"class": kind})

    def path(self, points: Sequence[Point], kind: str) -> None:
        steps = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._add("path", d=f"M{steps}", **{"class": kind})

    def text(self, at: Point, text: str, kind: str = "", anchor: str = "start") -> None:
        shown = {"class": kind} if kind else {}
        element = self._add("text", x=at[0], y=at[1], **{"text-anchor": anchor}, **shown)
        element.text = printable(text)

    def whisker(self, low: Point, high: Point, kind: str, cap: float = 5) -> None:
        """Draws an interval, across or upright, with a cap at each end."""
        self.line(low, high, kind)
        across = low[1] == high[1]
        for x, y in (low, high):
            away = (0, cap) if across else (cap, 0)
            self.line((x - away[0], y - away[1]), (x + away[0], y + away[1]), kind)

    def markup(self) -> Markup:
        return Markup(ET.tostring(self.root, encoding="unicode"))

    def _add(self, tag: str, **attributes: str | float) -> ET.Element:
        written = {
            key: value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
            for key, value in attributes.items()
        }
        return ET.SubElement(self.root, tag, written)


def shortened(text: str, longest: int) -> str:
    """Returns the text cut to at most ``longest`` characters."""
    shown = printable(text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
