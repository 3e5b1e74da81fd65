"""The spans of literal tokens on which the loss depends most (GradPO, Chakma et al. 2026, rebuilt
from public notes: peaks by gradient norm, grown to neighbours with at least 0.6 of the peak)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from appliance.encode.tokens import Owner
from appliance.refine.gradient import Gradient

SPANS = 4
GROWTH = 0.6
MAX_TOKENS = 3


class Span(msgspec.Struct, frozen=True):
    """Bytes [start, end) of a literal. ``tokens`` are the numbers of its tokens in the gradient
    request; ``peak`` is the number of the one with the largest norm."""

    literal: int
    start: int
    end: int
    tokens: tuple[int, ...]
    peak: int


Locate = Callable[[Gradient], list[Span]]
"""Finds the spans of a prompt that are worth an edit, the most promising first."""


def peaks(found: Gradient) -> list[Span]:
    """GradPO's spans: the four largest peaks by gradient norm."""
    return grow(found.owners, found.reply.norms, SPANS)


def grow(owners: Sequence[Owner], norms: Sequence[float], count: int) -> list[Span]:
    """The ``count`` spans with the largest peaks, largest first; spans do not overlap."""
    place = {owner: number for number, owner in enumerate(owners)}
    starts = {(literal, start): number for number, (literal, start, _) in enumerate(owners)}
    ends = {(literal, end): number for number, (literal, _, end) in enumerate(owners)}
    taken: set[int] = set()
    spans: list[Span] = []
    for peak in sorted(place.values(), key=lambda number: (-norms[number], number)):
        if len(spans) == count:
            break
        if peak in taken:
            continue
        literal, start, end = owners[peak]
        tokens = [peak]
        while len(tokens) < MAX_TOKENS:
            sides = [ends.get((literal, start)), starts.get((literal, end))]
            near = [n for n in sides if n is not None and n not in taken and n not in tokens]
            best = max(near, key=lambda number: norms[number], default=None)
            if best is None or norms[best] < GROWTH * norms[peak]:
                break
            tokens.append(best)
            start, end = min(start, owners[best][1]), max(end, owners[best][2])
        taken.update(tokens)
        spans.append(Span(literal, start, end, tuple(sorted(tokens)), peak))
    return spans
