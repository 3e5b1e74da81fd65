"""How answered rows leave: to a file that is complete or not there, or to stdout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path

import click

from appliance.cli.figures import duration
from appliance.cli.output import Output
from appliance.files import write_whole
from appliance.predict.answer import Answered, Progress, Tell
from appliance.predict.lines import ADDED, Layout, Lines, fields
from appliance.predict.part import unfinished
from appliance.predict.rows import BLOCK, Checked
from appliance.predict.uncertain import Uncertain

TOLD_AFTER = 10.0
"""Seconds between two lines that say how far it is, where a display cannot be redrawn."""

Work = Callable[..., Iterator[list[Answered]]]
"""``answer.answered`` with all but ``tell`` and ``start``."""


def write_all(
    out: Output, work: Work, checked: Checked, layout: Layout, output: Path | None, identity: str
) -> int:
    """Writes every row with its answer, and returns how many there are."""
    lines = Lines(layout, checked.columns, ADDED)

    def told(block: list[Answered]) -> list[str]:
        return [lines.row(original, fields(answer)) for original, _, answer in block]

    with _told(out) as tell:
        if output is None:
            out.data(lines.header)
            for block in work(tell):
                out.data("".join(told(block)))
            return checked.rows
        with unfinished(output, identity, lines) as part:
            if part.blocks:
                out.say(f"going on after {min(part.blocks * BLOCK, checked.rows)} rows")
            for block in work(tell, start=part.blocks):
                part.add(told(block))
    return checked.rows


def write_most_uncertain(
    out: Output,
    work: Work,
    checked: Checked,
    layout: Layout,
    output: Path | None,
    wanted: int,
    known: Set[str],
    gold: str,
) -> int:
    """Writes the rows that are most worth labelling, with an empty column ``gold`` for the label,
    and returns how many there are. ``known`` has the near-duplicate keys of texts that the task has
    already."""
    empty = () if gold in checked.columns else (gold,)
    added = (*empty, *ADDED[:-1])
    lines, uncertain = Lines(layout, checked.columns, added), Uncertain(wanted, known)
    with _told(out) as tell:
        for block in work(tell):
            for original, row, answer in block:
                uncertain.show(original, row, answer)
    rows = [
        lines.row(original, dict.fromkeys(empty, "") | {n: fields(answer)[n] for n in ADDED[:-1]})
        for original, answer in uncertain.chosen()
    ]
    if len(rows) < min(wanted, checked.rows):
        out.say(f"note: {len(rows)} rows; the others are nearly alike, or in the task already")
    text = "".join([lines.header, *rows])
    if output is None:
        out.data(text)
    else:
        write_whole(output, text)
    return len(rows)


@contextmanager
def _told(out: Output) -> Iterator[Tell]:
    """Yields what says on stderr how many rows are answered."""
    with one_line(out) as say:

        def tell(now: Progress) -> None:
            rows, left = f"{now.done} of {now.rows} rows", duration(now.left)
            say(f"{rows}, {now.rate:.1f} rows/s, {left} left")

        yield tell


@contextmanager
def one_line(out: Output) -> Iterator[Callable[[str], None]]:
    """Yields what says on stderr how far it is: in one line that is redrawn, or now and then."""
    last = time.monotonic()

    def say(line: str) -> None:
        nonlocal last
        if out.can_redraw():
            click.echo(f"\r{line}\x1b[K", err=True, nl=False)
        elif time.monotonic() - last >= TOLD_AFTER:
            last = time.monotonic()
            out.say(line)

    try:
        yield say
    finally:
        if out.can_redraw():
            click.echo("\r\x1b[K", err=True, nl=False)
