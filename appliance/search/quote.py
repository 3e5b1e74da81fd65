"""What stage 1 is about to cost, as its methods state it."""

from __future__ import annotations

from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.search.methods import METHODS
from appliance.search.schedule import STANDARD

TYPICAL = 12


def typical_prompts(loaded: Loaded, n: int = TYPICAL) -> list[Prompt]:
    """``n`` prompts such as the schedule's first methods propose, for a plan to price."""
    stated = (METHODS[name].typical for phase in STANDARD for name in phase.methods)
    draw = next(method for method in stated if method is not None)
    return draw(loaded, n)


def written_at_once() -> int:
    """How many replies a method has the reasoner write at once, at most."""
    return max(method.written for method in METHODS.values())
