"""Racing on common cases: every candidate sees the same cases, so losses compare in pairs.

Hoeffding races (Maron and Moore, NIPS 1993) with a paired normal test in the place of Hoeffding's
bound (as in F-Race, Birattari et al., GECCO 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum, isfinite, sqrt

LEAST_CASES = 8


def survivors(losses: Mapping[str, Sequence[float]], keep: int, z: float = 1.6) -> list[str]:
    """Ids of the candidates that stay in the race, best first; at most ``keep``.

    ``losses[id][i]`` is the loss on case i, the same case for all. A candidate is dropped when its
    mean paired difference to the leader exceeds ``z`` standard errors, but not before
    ``LEAST_CASES`` cases, or when ``keep`` others are better. Ties go by id. At 1.6 a true equal is
    lost about once in ten, since the same losses choose the leader.

    Raises ValueError for losses that differ in number or are not finite.
    """
    sizes = {len(values) for values in losses.values()}
    if len(sizes) > 1 or 0 in sizes:
        raise ValueError("candidates race on the same cases, one at least")
    if not all(isfinite(loss) for values in losses.values() for loss in values):
        raise ValueError("a loss is not finite")
    ranked = sorted(losses, key=lambda name: (fsum(losses[name]), name))
    if not ranked:
        return []
    leader = losses[ranked[0]]
    return [name for name in ranked[:keep] if not _is_worse(losses[name], leader, z)]


def _is_worse(losses: Sequence[float], leader: Sequence[float], z: float) -> bool:
    n = len(losses)
    if n < LEAST_CASES:
        return False
    differences = [loss - best for loss, best in zip(losses, leader, strict=True)]
    mean = fsum(differences) / n
    variance = fsum((d - mean) ** 2 for d in differences) / (n - 1)
    return mean > z * sqrt(variance / n)
