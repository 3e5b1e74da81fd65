"""Writes a verdict's report for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.cli import figures
from appliance.cli.output import columns
from appliance.text import printable

if TYPE_CHECKING:
    from appliance.calibrate.separation import Confused
    from appliance.verdict.report.flips import Flip
    from appliance.verdict.report.report import Report
    from appliance.verdict.report.tables import Table

SHOWN = 5
"""The most answers, errors and leaks of each kind that are shown, unless all are asked for."""


def text(report: Report, everything: bool) -> str:
    """The report in words. ``everything`` shows every changed answer."""
    from appliance.verdict.report import tables, words

    parts = [figures.judged(report, report.look, report.ranked)]
    if report.answers:
        parts.append(_table(tables.figures(report)))
        found = (tables.parts(report), tables.labels(report), tables.types(report))
        parts += [_table(table) for table in found if table.rows]
        texts = (words.directions(report), words.multiple(report), words.reliability(report))
        parts += filter(None, texts)
        errors = "the best prompt's most frequent errors:"
        parts += [_errors(errors, report.confused)] if report.confused else []
        parts += filter(None, [words.alike(report)])
        if report.separation:
            told, confused = words.separation(report), report.separation.confused
            more = f"{told} Most often confused:"
            parts.append(_errors(more, confused) if confused else told)
        if not report.stands:
            parts += [_changed(verb, some, everything) for verb, some in _flips(report)]
    return "\n\n".join([*parts, _leaks(report)])


def _flips(report: Report) -> list[tuple[str, Sequence[Flip]]]:
    return [("won", report.won), ("lost", report.lost)]


def _table(found: Table) -> str:
    return columns(found.headings, found.rows)


def _errors(heading: str, confused: Sequence[Confused]) -> str:
    lines = [
        f"  {pair.count} x {printable(pair.label)} taken for "
        f"{printable(pair.predicted or '(nothing)')}"
        for pair in confused[:SHOWN]
    ]
    return "\n".join([heading, *lines])


def _changed(verb: str, some: Sequence[Flip], everything: bool) -> str:
    lines = [f"{len(some)} {verb}" + (":" if some else "")]
    shown = some if everything else some[:SHOWN]
    for flip in shown:
        about = f" ({flip.about})" if flip.about else ""
        texts = (
            f"{flip.gold}; seed said {flip.seed or '(nothing)'}, best {flip.best or '(nothing)'}"
        )
        lines += [f"  {printable(flip.text + about)}", f"    {printable(texts)}"]
    if len(some) > len(shown):
        lines.append(f"  and {len(some) - len(shown)} more; see them with --all")
    return "\n".join(lines)


def _leaks(report: Report) -> str:
    from appliance.verdict.report import words

    lines = [
        f"  row {leak.row}, {leak.what}, in the {leak.where}: {printable(leak.words)}"
        for leak in report.leaks[:SHOWN]
    ]
    if len(report.leaks) > SHOWN:
        lines.append(f"  and {len(report.leaks) - SHOWN} more; see --json")
    texts = words.leaks(report)
    last = list(filter(None, [words.learnt(report)]))
    return "\n".join([f"leak check: {texts[0].lower()}{texts[1:]}", *lines, *last])
