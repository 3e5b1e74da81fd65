"""Stage 1 end to end: each phase's methods propose, and their candidates race."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import fsum

from appliance.evaluate.workbench import Workbench
from appliance.prompts.prompt import Readout
from appliance.search.accept import Ahead
from appliance.search.candidate import Candidate
from appliance.search.frame import drive, in_turn
from appliance.search.lab import Lab
from appliance.search.methods import METHODS
from appliance.search.race import Race
from appliance.search.schedule import FIRST, phases

FINALISTS = 2
HALVING_KEEPS = 3


def search(
    lab: Lab,
    race: Race,
    bench: Workbench,
    budget: float,
    depth: int,
    methods: Sequence[str] = (),
    candidates: int | None = None,
    extra: Mapping[Readout, float] | None = None,
) -> list[Candidate]:
    """The best candidates, best first.

    ``budget`` is in cost units, counted from now. ``extra`` is what it has on top once it is
    settled which readout goes on; where ``methods`` take the place of the standard schedule, that
    is settled at the end, and the least of these is there from the beginning. ``depth`` is the
    number of cases on which a candidate must win to lead. Of ``candidates``, where they are given,
    each phase has the same share as of the budget.
    """
    start, before, on_top = bench.spent, len(race.entries), extra or {}
    more = min(on_top.get(readout, 0.0) for readout in lab.readouts) if methods else 0.0

    def going(until: float) -> bool:
        return not bench.finishing and bench.spent - start < until * (budget + more)

    def proposing(until: float) -> bool:
        return going(until) and not race.is_full

    def compared() -> bool:
        return not bench.finishing

    def settled() -> Readout:
        nonlocal more
        race.settle(lab.readouts, depth, compared)
        readout = race.leader.prompt.readout
        more = on_top.get(readout, 0.0)
        return readout

    for phase in phases(methods, settled):
        if candidates is not None:
            race.most = before + round(phase.until * candidates)
        able = [METHODS[name] for name in phase.methods]
        able = [method for method in able if lab.can_ask or not method.written]
        lab.going = partial(proposing, phase.until)
        drive(
            in_turn(able, lab),
            race,
            depth=FIRST if phase.halved else depth,
            accept=Ahead(),
            going=lab.going,
        )
        if phase.halved:
            race.halve(HALVING_KEEPS, depth, partial(going, phase.halved))
    if methods:
        race.settle(lab.readouts, depth, compared)
    n, readout = len(race.leader.scored), race.leader.prompt.readout
    same = (c for c in race.entries.values() if c.prompt.readout == readout)
    deep = [c for c in same if len(c.scored) >= n]
    return sorted(deep, key=lambda c: (fsum(c.penalties(n)), c.prompt.id))[:FINALISTS]
