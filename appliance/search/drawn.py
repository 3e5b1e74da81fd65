"""The best of some formats that are drawn at random and read by their states. Beside it the winner
shows what the search found that luck would not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from math import fsum

from msgspec.structs import replace

from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.by_states import by_states
from appliance.prompts.loaded import Loaded
from appliance.search.candidate import Candidate, Proposal
from appliance.search.methods.formats import typical
from appliance.search.race import Race
from appliance.search.schedule import MAPPED

MOST = 20
"""How many formats are drawn at most."""

DRAWING = 0.6
"""The part of the control's budget after which no more formats are drawn."""


def best_drawn(race: Race, loaded: Loaded, going: Callable[[float], bool]) -> dict[str, Candidate]:
    """The best of as many formats as are tried, by its name; empty where the model can take none.
    It may win as any other candidate. ``going(part)`` says whether less than a part of the budget
    is spent."""
    # No state is read of prompts that ask yes or no: those of the leader's form are drawn instead.
    seed = race.leader.prompt if loaded.seed.form == "yesno" else loaded.seed
    formats = typical(replace(loaded, seed=seed), MOST)
    drawn: list[Candidate] = []
    for prompt in dict.fromkeys(filter(None, map(by_states, formats))):
        if not going(DRAWING):
            break
        candidate = race.candidate_for(Proposal(prompt, "random", "example", (race.seed,)))
        drawn += _extended(race, [candidate], race.first(prompt))
    left = drawn
    while len(left) > 1:
        # Successive halving (Jamieson and Talwalkar, AISTATS 2016).
        seen = min(len(candidate.scored) for candidate in left)
        left = sorted(left, key=lambda c: (fsum(c.penalties(seen)), c.prompt.id))
        if not going(1.0):
            break
        left = _extended(race, left[: (len(left) + 1) // 2], min(2 * seen, MAPPED))
    for candidate in drawn:
        race.seen(candidate, "kept" if candidate is left[0] else "dropped")
    best = race.unraced(left[0]) if left else None
    return {f"the best of {len(drawn)} random formats": best} if best else {}


def _extended(race: Race, candidates: Sequence[Candidate], cases: int) -> list[Candidate]:
    """Those that the model can take on as many cases, scored on them."""
    found = []
    for candidate in candidates:
        with suppress(Unanswerable):
            race.extend(candidate, cases)
            found.append(candidate)
    return found
