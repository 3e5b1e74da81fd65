"""What a run may be asked for. It is checked where it is typed, and again by the runner."""

from __future__ import annotations

from appliance.errors import InputError
from appliance.run.messages import Tune
from appliance.search.schedule import LEAST_CANDIDATES

LEAST_MINUTES, MOST_MINUTES = 0.1, 30 * 24 * 60
MOST_CANDIDATES = 1_000_000
SEEDS = 2**32


def check_amounts(asked: Tune) -> float:
    """Returns the minutes. Raises InputError for an amount that no machine can work with."""
    minutes, candidates, seed = asked.minutes, asked.candidates, asked.seed
    if minutes is None or not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        given = "infinite or no number" if minutes is None else f"{minutes:g}"
        raise InputError(
            f"the minutes are {given}; give a number from {LEAST_MINUTES:g} to {MOST_MINUTES}"
        )
    if candidates is not None and not LEAST_CANDIDATES <= candidates <= MOST_CANDIDATES:
        raise InputError(
            f"the candidates are {candidates}; give a whole number from {LEAST_CANDIDATES} to "
            f"{MOST_CANDIDATES}"
        )
    if not 0 <= seed < SEEDS:
        raise InputError(f"the seed is {seed}; it must be a whole number from 0 to {SEEDS - 1}")
    return minutes
