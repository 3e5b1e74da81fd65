"""The best of some formats that are drawn at random and read by their states. What the winner gains
over it is what the search found beyond luck."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from appliance.prompts.by_states import by_states
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.search.candidate import Candidate, Proposal
from appliance.search.halving import halved
from appliance.search.methods.formats import typical
from appliance.search.race import Race
from appliance.search.schedule import MAPPED, rungs

MOST = 20
"""How many formats are drawn at most."""

DRAWING = 0.6
"""The part of the control's budget after which no more formats are drawn."""

KEPT = 3
"""How many of them are read on as many cases as maps are compared by."""


def best_drawn(race: Race, loaded: Loaded, going: Callable[[float], bool]) -> dict[str, Candidate]:
    """The best of as many formats as are tried, by its name; empty where the model can take none.
    It may win as any other candidate. ``going(part)`` says whether less than a part of the budget
    is spent."""
    # No state is read of prompts that ask yes or no: those of the leader's form are drawn instead.
    seed = race.leader.prompt if loaded.seed.form == "yesno" else loaded.seed
    formats = typical(replace(loaded, seed=seed), MOST)
    drawn: list[Candidate] = []
    unlike: dict[str, Prompt] = {}
    for prompt in filter(None, map(by_states, formats)):
        unlike.setdefault(race.key(prompt), prompt)
    for prompt in unlike.values():
        if not going(DRAWING):
            break
        candidate = race.candidate_for(Proposal(prompt, "random", "example", (race.seed,)))
        if race.deepen(candidate, race.first(prompt)):
            drawn.append(candidate)
    if not drawn:
        return {}
    steps = rungs(min(MAPPED, len(race.cases)), race.first(drawn[0].prompt))
    best = race.unraced(halved(race, drawn, steps, KEPT, lambda: going(1.0))[0])
    return {f"the best of {len(drawn)} random formats": best} if best else {}
