"""A report in tables, every figure with its interval and its n."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.kinds import KINDS
from appliance.statistics.parts import Prf
from appliance.statistics.proportions import Estimate
from appliance.verdict.report.both import Both, Rates
from appliance.verdict.report.report import Report
from appliance.verdict.verdict import Side

NONE_LEFT_OUT = "; precision, recall and micro-F1 leave none of the above out"


class Table(msgspec.Struct, frozen=True):
    """The first cell of a row is its heading."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figures(report: Report) -> Table:
    """Returns every figure of the two prompts side by side."""
    named: list[tuple[str, Both[Estimate] | None]] = [
        (KINDS[report.kind].exact, report.accuracy),
        ("token F1", report.token_f1),
        ("answers in which nothing could be found", report.unread),
    ]
    if report.micro:
        micro = report.micro
        named += [
            ("precision", Both(micro.seed.precision, micro.best.precision)),
            ("recall", Both(micro.seed.recall, micro.best.recall)),
            ("micro-F1", Both(micro.seed.f1, micro.best.f1)),
        ]
    named.append(("macro-F1", report.macro_f1))
    rows = [(name, _cell(found.seed), _cell(found.best)) for name, found in named if found]
    return Table(
        "with 95 % intervals" + (NONE_LEFT_OUT if report.labels else ""),
        ("figure", "seed prompt", "best prompt"),
        tuple(rows),
    )


def labels(report: Report) -> Table:
    """Returns one row for each label."""
    rows = []
    for row in report.labels:
        interval = row.best_interval
        share = Estimate(row.best_right / row.n, *interval, row.n) if interval else None
        right = (f"{row.seed_right / row.n:.3f}" if row.n else "none", with_interval(share))
        given = (str(row.seed_given), str(row.best_given))
        f1 = (f"{row.seed_f1.value:.3f}", with_interval(row.best_f1))
        rows.append((row.label, str(row.n), *right, *given, *f1))
    headings = ("seed right", "best right", "seed gave", "best gave", "seed F1", "best F1")
    return Table(
        "the share of a label's n cases that each prompt got right, how often it predicted the "
        "label at all, and the label's F1",
        ("label", "n", *headings),
        tuple(rows),
    )


def types(report: Report) -> Table:
    """Returns two rows for each type of entity, one a prompt."""
    rows = [
        (row.type, str(row.n), who, *_rates(found))
        for row in report.types
        for who, found in (("seed", row.rates.seed), ("best", row.rates.best))
    ]
    return Table(
        "entities by type; n is the number that were to be found",
        ("type", "n", "prompt", "precision", "recall", "F1"),
        tuple(rows),
    )


def parts(report: Report) -> Table:
    """Returns one row for each sampled file, and their spread."""
    found = report.parts
    headings = ("file", "n", "seed P", "seed R", "seed F1", "best P", "best R", "best F1")
    if found is None:
        return Table("", headings, ())
    sides = (found.spread.seed, found.spread.best)
    spreads = [spread for side in sides for spread in (side.precision, side.recall, side.f1)]
    rows = [(part.part, str(part.n), *_each(part.prf)) for part in found.files]
    rows.append(("mean", "", *(f"{spread.mean:.3f}" for spread in spreads)))
    rows.append(("standard deviation", "", *(f"{spread.std:.3f}" for spread in spreads)))
    stable = [f"{side.f1.stable:.3f}" for side in sides]
    rows.append(("stable F1", "", "", "", stable[0], "", "", stable[1]))
    return Table(
        f"over {len(found.files)} sampled files; the deviation is the population's; stable F1 is "
        "the mean minus two deviations",
        headings,
        tuple(rows),
    )


def with_interval(figure: Side | Estimate | None) -> str:
    """Returns a figure with its 95 % interval, or "none"."""
    if figure is None or not figure.n:
        return "none"
    low, high = figure.interval if isinstance(figure, Side) else (figure.low, figure.high)
    return f"{figure.value:.3f} [{low:.3f}, {high:.3f}]"


def _cell(found: Estimate) -> str:
    return f"{with_interval(found)} (n {found.n})"


def _rates(found: Rates) -> Sequence[str]:
    return [_cell(figure) for figure in (found.precision, found.recall, found.f1)]


def _each(found: Both[Prf]) -> list[str]:
    sides = (found.seed, found.best)
    return [f"{x:.3f}" for side in sides for x in (side.precision, side.recall, side.f1)]
