"""Refusals: where cases are too few to claim anything, whatever p they give."""

from __future__ import annotations

from math import floor, log2

from appliance.statistics.paired import Evidence

LEAST_POSITIVES = 15
"""The number of cases with something to find that an F1 needs (``tests/bench/positives.py``).

Take 5 % such cases and two prompts of the same F1, one of which finds at least twice as many: 0.025
of the tests at p < 0.05 should say "better". Of 2,000 tests up to 0.160 do so with 3 such cases,
0.081 with 5, 0.043 with 10, 0.032 with 15, and at most 0.054 with more. Further looks show the
same. For macro-F1 with a rare label beside a frequent one the harmonic mean of their cases decides
likewise: 0.122 of 1,000 tests say "better" at 5, 0.082 at 9, 0.050 at 15.
"""


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
