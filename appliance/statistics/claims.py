"""Refusals: where cases are too few to claim anything, whatever p they give."""

from __future__ import annotations

from math import floor, log2

from appliance.statistics.f1 import LEAST_POSITIVES
from appliance.statistics.paired import Evidence


def least_units(alpha: float) -> int:
    """The least number of units whose results have to differ: a fair coin gives all k of them to
    one prompt with a chance of 2 / 2^k, so an alpha of 0.05 needs 6 units, 0.025 needs 7."""
    return floor(log2(2 / alpha)) + 1


def refusal(found: Evidence, alpha: float, unit: str = "case") -> str:
    """Returns one sentence on why no gain can be claimed at p < ``alpha``; "" where one can be.
    ``unit`` names what the test weighs."""
    least = least_units(alpha)
    units = f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"
    needed = f"at p < {alpha:g} at least {least} are needed"
    if found.clusters and found.clusters < least:
        return f"{found.clusters} {units} cannot prove a gain: {needed}"
    to_find = "of each label (harmonic mean)" if found.labels > 1 else "with something to find"
    if found.positives is not None and found.positives < LEAST_POSITIVES:
        return (
            f"{found.positives} cases {to_find} cannot prove a gain in F1: "
            f"at least {LEAST_POSITIVES} are needed"
        )
    if found.positive_clusters is not None and found.positive_clusters < least:
        return f"{found.positive_clusters} {units} {to_find} cannot prove a gain in F1: {needed}"
    if found.differing < least:
        return f"the prompts differ on {found.differing} {units} only: {needed}"
    return ""
