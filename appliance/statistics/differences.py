"""Paired differences: two candidates race on the same cases, so their losses compare in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, inf, isfinite, sqrt

import msgspec

LEAST_CASES = 8
"""The number of cases below which nothing is proven."""


class Difference(msgspec.Struct, frozen=True):
    """The mean paired difference of losses over ``n`` cases, below 0 where the first candidate is
    better, and its standard error."""

    mean: float
    error: float
    n: int

    def proves_better(self, z: float) -> bool:
        """Whether the first candidate is better by more than ``z`` standard errors."""
        return self.n >= LEAST_CASES and -self.mean > z * self.error


def compare(new: Sequence[float], old: Sequence[float]) -> Difference:
    """Compares two candidates: ``new[i]`` and ``old[i]`` are their losses on the same case.

    Raises ValueError for losses that differ in number or are not finite.
    """
    if len(new) != len(old):
        raise ValueError("candidates race on the same cases")
    if not all(map(isfinite, (*new, *old))):
        raise ValueError("a loss is not finite")
    if not new:
        return Difference(0.0, inf, 0)
    differences = [a - b for a, b in zip(new, old, strict=True)]
    n = len(differences)
    mean = fsum(differences) / n
    variance = fsum((d - mean) ** 2 for d in differences) / max(n - 1, 1)
    return Difference(mean, sqrt(variance / n), n)
