"""The figures of a verdict's page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from appliance.statistics.metrics import NAMES
from appliance.verdict.page.svg import Drawing, Point, shortened
from appliance.verdict.report.labels import LabelRow
from appliance.verdict.report.reliability import Reliability
from appliance.verdict.report.report import Report
from appliance.verdict.report.tables import with_interval
from appliance.verdict.report.words import signed

WIDE, LEFT, RIGHT = 680, 130, 500
"""A wide figure: its width, and where its axis begins and ends."""

SQUARE, INSET = 330, 46
"""A square figure: its side, and the margin that its axis labels take."""

MOST_LABELS = 40
"""The number of labels that a figure shows."""


def values(report: Report) -> Markup:
    """Draws both prompts' values with their intervals on an axis from 0 to 1."""
    name = NAMES[report.metric]
    shown = [("seed", report.seed)] + ([] if report.stands else [("best", report.best)])
    described = "; ".join(f"{who} prompt {with_interval(side)}" for who, side in shown)
    height = 34 * len(shown) + 34
    drawing = Drawing("values", WIDE, height, f"{name} of both prompts", described)
    _ticks(drawing, height - 24, [(tick / 4, f"{tick / 4:g}") for tick in range(5)], 0.0, 1.0)
    for row, (who, side) in enumerate(shown):
        y = 22 + 34 * row
        drawing.text((0, y + 4), f"{who} prompt", "strong")
        _dotted(drawing, y, side.value, side.interval, (0.0, 1.0), who)
        drawing.text((WIDE, y + 4), with_interval(side), "", "end")
    return drawing.markup()


def gain(report: Report) -> Markup:
    """Draws the gain with its interval beside zero."""
    low, high = report.interval
    reach = max(abs(low), abs(high), 0.05)
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5) if reach <= 3 * s or s == 0.5)
    count = max(1, min(int(reach / step) + 1, int(1 / step)))
    ends = (-count * step, count * step)
    described = f"{signed(report.gain)} [{signed(low)}, {signed(high)}]"
    drawing = Drawing("gain", WIDE, 80, "Gain of the best prompt over the seed", described)
    ticks = [(i * step, signed(i * step, "+.2g") if i else "0") for i in range(-count, count + 1)]
    _ticks(drawing, 44, ticks, *ends)
    zero = _across(0.0, ends)
    drawing.line((zero, 4), (zero, 50), "zero")
    drawing.text((0, 26), "gain", "strong")
    _dotted(drawing, 22, report.gain, report.interval, ends, "best")
    drawing.text((WIDE, 26), described, "", "end")
    drawing.text((LEFT, 76), "worse", "muted")
    drawing.text((RIGHT, 76), "better", "muted", "end")
    return drawing.markup()


def by_label(rows: Sequence[LabelRow]) -> Markup:
    """Draws the share of each label's cases that either prompt got right."""
    shown = [row for row in rows if row.n][:MOST_LABELS]
    height = 30 * len(shown) + 30
    described = "; ".join(
        f"{row.label}: seed {row.seed_right}, best {row.best_right} of {row.n}" for row in shown
    )
    drawing = Drawing("labels", WIDE, height, "Share right, by label", described)
    left = LEFT + 50
    _ticks(drawing, height - 24, [(t / 4, f"{t / 4:g}") for t in range(5)], 0.0, 1.0, left)
    for i, row in enumerate(shown):
        y = 4 + 30 * i
        drawing.text((0, y + 15), shortened(row.label, 26), "strong")
        width = RIGHT - left
        drawing.bar((left, y + 2), width * row.seed_right / row.n, 8, "seed")
        drawing.bar((left, y + 11), width * row.best_right / row.n, 8, "best")
        assert row.best_interval is not None
        low, high = (left + width * end for end in row.best_interval)
        drawing.whisker((low, y + 15), (high, y + 15), "over", 3)
        described = f"{row.seed_right} to {row.best_right} of {row.n}"
        drawing.text((WIDE, y + 15), described, "", "end")
    return drawing.markup()


def calibration(found: Reliability) -> Markup:
    """Draws how often answers of a probability are right."""
    described = "; ".join(
        f"probability {b.confidence:.2f}: {b.accuracy:.2f} right (n {b.n})" for b in found.bins
    )
    drawing = Drawing("calibration", SQUARE, SQUARE + 14, "Reliability of probabilities", described)
    _square(drawing, 1.0, "probability given", "share right")
    drawing.line(_at(0, 0, 1), _at(1, 1, 1), "ideal")
    for b in found.bins:
        low, high = (_at(b.confidence, end, 1.0) for end in b.interval)
        drawing.whisker(low, high, "best", 4)
        drawing.line(_at(b.low, b.accuracy, 1.0), _at(b.high, b.accuracy, 1.0), "range")
        drawing.dot(_at(b.confidence, b.accuracy, 1.0), "best", 4.5)
    return drawing.markup()


def coverage(found: Reliability) -> Markup:
    """Draws the error of the most probable answers against the share of answers that is given."""
    kept = found.withheld
    described = f"all {found.n} answers: {found.curve[-1][1]:.3f} wrong"
    if kept.error:
        described += (
            f"; at the threshold {kept.coverage.value:.3f} answered, {kept.error.value:.3f} wrong"
        )
    most = max(error for _, error in found.curve)
    top = next(t for t in (0.1, 0.25, 0.5, 1.0) if most <= t)
    drawing = Drawing("coverage", SQUARE, SQUARE + 14, "Error against coverage", described)
    _square(drawing, top, "share answered (coverage)", "share of these wrong")
    drawing.path([_at(x, y, top) for x, y in found.curve], "curve")
    if kept.error:
        ends = (kept.error.low, min(kept.error.high, top))
        low, high = (_at(kept.coverage.value, end, top) for end in ends)
        drawing.whisker(low, high, "best", 5)
        drawing.dot(_at(kept.coverage.value, kept.error.value, top), "best", 5)
    return drawing.markup()


def _across(value: float, ends: Point, left: float = LEFT) -> float:
    return left + (RIGHT - left) * (value - ends[0]) / (ends[1] - ends[0])


def _dotted(
    drawing: Drawing, y: float, value: float, interval: Point, ends: Point, kind: str
) -> None:
    low, high = (_across(min(max(end, ends[0]), ends[1]), ends) for end in interval)
    drawing.whisker((low, y), (high, y), kind)
    drawing.dot((_across(value, ends), y), kind)


def _ticks(
    drawing: Drawing,
    y: float,
    ticks: Sequence[tuple[float, str]],
    low: float,
    high: float,
    left: float = LEFT,
) -> None:
    for value, text in ticks:
        x = _across(value, (low, high), left)
        drawing.line((x, 4), (x, y + 4), "grid")
        drawing.text((x, y + 17), text, "small", "middle")


def _at(x: float, y: float, top: float) -> Point:
    """Returns the place of a point in a square figure whose upper edge is ``top``."""
    side = SQUARE - INSET - 10
    return INSET + side * x, 26 + side * (1 - y / top)


def _square(drawing: Drawing, top: float, across: str, up: str) -> None:
    for tick in range(5):
        x, y = tick / 4, top * tick / 4
        drawing.line(_at(x, 0, top), _at(x, top, top), "grid")
        drawing.line(_at(0, y, top), _at(1, y, top), "grid")
        (below, base), (edge, level) = _at(x, 0, top), _at(0, y, top)
        drawing.text((below, base + 14), f"{x:g}", "small", "middle")
        drawing.text((edge - 6, level + 4), f"{y:.3g}", "small", "end")
    middle, base = _at(0.5, 0, top)
    drawing.text((middle, base + 30), across, "muted", "middle")
    drawing.text((0, 12), up, "muted")
