"""Where cases are too few to claim anything, whatever p they give."""

from __future__ import annotations

from math import floor, log2

from appliance.statistics.paired import Evidence

LEAST_POSITIVES = 15
"""Cases with something to find that an F1 needs (``tests/bench/positives.py``).

With 5 % such cases and two prompts of the same F1, one of which finds at least twice as many, 0.025
of tests at p < 0.05 should say "better". Of 2,000 up to 0.160 do with 3 such cases, 0.081 with 5,
0.043 with 10, 0.032 with 15, and from there on 0.054 at most. At further looks they do so too. For
macro-F1 of a rare label beside a frequent one the harmonic mean of their cases tells as much: 0.122
of 1,000 do at 5, 0.082 at 9, 0.050 at 15.
"""


def least_units(alpha: float) -> int:
    """So many have to come out differently: a coin deals k units all one way or all the other with
    a chance of 2 / 2^k, so 0.05 needs 6 of them, 0.025 needs 7."""
    return floor(log2(2 / alpha)) + 1


def refusal(found: Evidence, alpha: float, unit: str = "case") -> str:
    """Why no gain can be claimed at p < ``alpha``, as one sentence; empty where one can. ``unit``
    names what the test weighs."""
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
