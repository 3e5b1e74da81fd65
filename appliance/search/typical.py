"""What a plan needs to price stage 1, as its methods state it."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt, Readout
from appliance.search.methods import METHODS
from appliance.search.portfolio import portfolio
from appliance.search.schedule import STANDARD

TYPICAL = 12


def typical_prompts(
    loaded: Loaded, readouts: Sequence[Readout] = ("words",), n: int = TYPICAL
) -> list[Prompt]:
    """Prompts for a plan to price: where hidden states may be read, the formats that are known to
    work with them; else ``n`` prompts from the schedule's first method that states any."""
    if "hidden" in readouts:
        return [
            known.prompt(loaded.demonstrations)
            for known in portfolio(loaded.task, loaded.seed, lettered=loaded.lettered)
            if known.readout == "hidden"
        ]
    stated = (METHODS[name].typical for phase in STANDARD for name in phase.methods)
    draw = next(method for method in stated if method is not None)
    return draw(loaded, n)


def written_at_once() -> int:
    """The most replies that any method has the reasoner write at once."""
    return max(method.written for method in METHODS.values())
