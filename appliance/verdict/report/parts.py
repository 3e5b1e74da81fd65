"""Figures of each sampled file of episodes, and their spread over the files."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.statistics.parts import (
    Prf,
    Spread,
    over_parts,
    prf,
)
from appliance.verdict.report.both import (
    Both,
    Name,
    both,
    tally,
)
from appliance.verdict.verdict import Answer


class Part(msgspec.Struct, frozen=True):
    """One sampled file of ``n`` episodes."""

    part: str
    n: int
    prf: Both[Prf]


class Spreads(msgspec.Struct, frozen=True):
    """The spread of each figure over the files."""

    precision: Spread
    recall: Spread
    f1: Spread


class Parts(msgspec.Struct, frozen=True):
    files: tuple[Part, ...]
    spread: Both[Spreads]


def by_part(answers: Sequence[Answer]) -> Parts | None:
    """Returns micro-averaged figures, which leave none of the above out; None where the cases are
    not sampled into files."""
    names = sorted({a.part for a in answers if a.part})
    if not names:
        return None
    files = tuple(_part(name, [a for a in answers if a.part == name]) for name in names)
    return Parts(files, both(lambda name: _spreads(files, name)))


def _part(part: str, answers: Sequence[Answer]) -> Part:
    return Part(part, len(answers), both(lambda name: prf(tally(a, name) for a in answers)))


def _spreads(files: Sequence[Part], name: Name) -> Spreads:
    each = [part.prf.seed if name == "seed" else part.prf.best for part in files]
    return Spreads(
        precision=over_parts([p.precision for p in each]),
        recall=over_parts([p.recall for p in each]),
        f1=over_parts([p.f1 for p in each]),
    )
