"""Successive halving: of many candidates fewer and fewer are scored on more and more cases.

Source: Jamieson and Talwalkar, AISTATS 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import fsum
from typing import TYPE_CHECKING

from appliance.evaluate.workbench import Unanswerable
from appliance.search.candidate import Candidate

if TYPE_CHECKING:
    from appliance.search.race import Race


def ranked(candidates: Iterable[Candidate], cases: int) -> list[Candidate]:
    """The candidates by their penalties on the first ``cases`` cases, the best first."""
    return sorted(candidates, key=lambda c: (fsum(c.penalties(cases)), c.prompt.id))


def halved(
    race: Race,
    candidates: Iterable[Candidate],
    rungs: Sequence[int],
    keep: int,
    going: Callable[[], bool],
) -> list[Candidate]:
    """The best candidates, best first. All have been scored on the first rung (a number of cases).
    ``keep`` are scored on the last one, and twice as many on each before it, while ``going()``. One
    that has been scored on as many cases already stays, and one that the model cannot take there is
    left out."""
    found = ranked(candidates, rungs[0])
    for step, cases in enumerate(rungs[1:], 2):
        extended = []
        for place, candidate in enumerate(found):
            have = len(candidate.scored)
            if have < cases and (place >= keep * 2 ** (len(rungs) - step) or not going()):
                continue
            try:
                race.extend(candidate, cases)
            except Unanswerable:
                continue
            if len(candidate.scored) > have:
                race.seen(candidate, "extended")
            extended.append(candidate)
        if not extended:
            break
        found = ranked(extended, cases)
    return found
