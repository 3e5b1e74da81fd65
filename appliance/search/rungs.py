"""What candidates took of the model, rung by rung."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import NamedTuple

import msgspec


class Step(NamedTuple):
    """What scoring a candidate up to its first ``cases`` took on top: unique tokens."""

    cases: int
    tokens: float


class Rung(msgspec.Struct, frozen=True):
    """``candidates`` were scored on their first ``cases``, for ``tokens`` each in the mean, beyond
    the rungs before."""

    cases: int
    candidates: int
    tokens: float


def rungs_of(paid: Iterable[Iterable[Step]]) -> tuple[Rung, ...]:
    """The rungs that candidates with these steps came to, the first one first."""
    found: dict[int, list[float]] = {}
    for steps in paid:
        for step in steps:
            found.setdefault(step.cases, []).append(step.tokens)
    return tuple(
        Rung(cases, len(tokens), round(fsum(tokens) / len(tokens), 1))
        for cases, tokens in sorted(found.items())
    )
