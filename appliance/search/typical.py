"""What a plan needs to price stage 1, as its methods state it."""

from __future__ import annotations

from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.search.methods import METHODS
from appliance.search.schedule import STANDARD

TYPICAL = 12


def typical_prompts(loaded: Loaded, n: int = TYPICAL) -> list[Prompt]:
    """``n`` prompts for a plan to price, from the schedule's first method that states any."""
    stated = (METHODS[name].typical for phase in STANDARD for name in phase.methods)
    draw = next(method for method in stated if method is not None)
    return draw(loaded, n)


def written_at_once() -> int:
    """The most replies that any method has the reasoner write at once."""
    return max(method.written for method in METHODS.values())
