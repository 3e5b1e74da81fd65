"""How likely a number of cases is to prove a gain, and how large a gain it can prove."""

from __future__ import annotations

from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

MANY = 10_000
"""Above this number of cases the normal approximation replaces the exact sum."""


def power_paired(n: int, gain: float, discordance: float, alpha: float = 0.05) -> float:
    """The chance that the exact McNemar test on ``n`` cases gives p <= ``alpha``.

    ``discordance`` is the share of cases on which the two prompts differ, ``gain`` the share won
    minus the share lost. The chance is summed over the number of discordant cases, which is
    binomial, and over the wins among them: Duffy, Biometrics 40 (1984). Raises ValueError unless
    |gain| <= discordance <= 1 and n > 0.
    """
    from scipy.stats import binom

    if not abs(gain) <= discordance <= 1 or n < 1:
        raise ValueError(f"gain {gain} and discordance {discordance} of {n} cases cannot be")
    if discordance == 0:
        return 0.0
    differing = np.arange(n + 1)
    wins = (1 + gain / discordance) / 2
    critical = binom.ppf(alpha / 2, differing, 0.5)
    critical -= 2 * binom.cdf(critical, differing, 0.5) > alpha
    rejects = binom.cdf(critical, differing, wins) + binom.cdf(critical, differing, 1 - wins)
    return float(np.sum(binom.pmf(differing, n, discordance) * rejects))


def detectable(n: int, discordance: float, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """The least gain that the exact McNemar test proves with a chance of ``power``; None where the
    largest possible gain, ``discordance``, is proven less often. Raises ValueError where
    ``power_paired`` does."""
    from scipy.optimize import brentq

    if n > MANY:
        # The normal approximation: the exact sum takes minutes, and differs in the fourth digit.
        normal = NormalDist()
        gain = (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) * sqrt(discordance / n)
        return gain if gain <= discordance else None

    def missing(gain: float) -> float:
        return power_paired(n, gain, discordance, alpha) - power

    if missing(discordance) < 0:
        return None
    return float(brentq(missing, 0.0, discordance, xtol=1e-5))


def advice(n_test: int, discordance: float = 0.2) -> str:
    """Returns a sentence on the gain that ``n_test`` independent test rows can prove at 0.05."""
    half, mostly = (detectable(n_test, discordance, power) for power in (0.5, 0.8))
    changed = f"{n_test:,} test rows: if {_percent(discordance)} of answers change"
    if half is None:
        found = _percent(power_paired(n_test, discordance, discordance))
        return f"{changed}, even a gain of {_points(discordance)} is found only {found} of the time"
    often = f"one of {_points(mostly or discordance)} four times in five"
    if mostly is None:
        often = f"and not even {often}"
    return f"{changed}, a gain of {_points(half)} is found about half the time, {often}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(gain: float) -> str:
    """Returns the gain in points, rounded up to a tenth."""
    return f"{ceil(1000 * gain - 1e-6) / 10:g} points"
