"""Stage 1 end to end: explore formats, ask the reasoner, search around the leader.

The shares of the budget are what pays on a small model: its format first, demonstrations and
wording around the best format next, instructions last (see docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from random import Random

from appliance.encode.tokens import Tokeniser
from appliance.evaluate.workbench import Workbench
from appliance.search.methods.formats import explore
from appliance.search.methods.instructions import OPERATORS, ask, instructed
from appliance.search.methods.local import mutate, shot_sets
from appliance.search.race import Candidate, Contest
from appliance.search.spaces.space import Space

EXPLORE, HALVE, ASK = 0.3, 0.5, 0.6
"""Shares of the budget at which each phase ends; local search has the rest."""

FINALISTS = 2
MAX_IDLE = 60
MAX_IDLE_ASKS = 6
"""Requests in a row that bring no new candidate, after which the reasoner has no more to say."""


def search(
    contest: Contest,
    bench: Workbench,
    reasoner: Tokeniser | None,
    pool: Mapping[str, tuple[str, ...]],
    seed: int,
    budget: float,
    depth: int,
    space: Space,
) -> list[Candidate]:
    """The best candidates, best first. ``budget`` is in cost units, counted from now; ``depth`` is
    on how many cases a candidate must win to lead."""
    start = bench.spent

    def going(share: float) -> bool:
        return not bench.finishing and bench.spent - start < share * budget

    explore(contest, shot_sets(pool, contest.seed.prompt), seed, lambda: going(EXPLORE), space)
    contest.halve(keep=3, depth=depth, going=lambda: going(HALVE))
    random = Random(seed)
    if reasoner is not None:
        _ask(contest, bench, reasoner, random, depth, lambda: going(ASK))
    idle = 0
    while going(1.0) and idle < MAX_IDLE:
        leader = contest.leader
        prompt, section = mutate(leader.prompt, pool, random, space)
        entered = contest.enter(prompt, "mutate", depth=depth, parent=leader, section=section)
        idle = idle + 1 if entered is None else 0
    n = len(contest.leader.scored)
    deep = [c for c in contest.entries.values() if len(c.scored) >= n]
    return sorted(deep, key=lambda c: (sum(c.penalties(n)), c.prompt.id))[:FINALISTS]


def _ask(
    contest: Contest,
    bench: Workbench,
    reasoner: Tokeniser,
    random: Random,
    depth: int,
    going: Callable[[], bool],
) -> None:
    """Instructions from the reasoner, each raced in the leader's place."""
    idle = 0
    for name in cycle(OPERATORS):
        if idle == MAX_IDLE_ASKS or not going():
            return
        idle += 1
        leader = contest.leader
        seen = contest.cases[: len(leader.scored)]
        asked = OPERATORS[name](contest.evaluator.task, leader, seen, random)
        if asked is None:
            continue
        for text in ask(bench, reasoner, asked.text, random.randrange(2**31)):
            if not going():
                break
            entered = contest.enter(
                instructed(leader.prompt, text),
                name,
                depth=depth,
                parent=leader,
                section="task",
                source=asked.cases,
            )
            idle = 0 if entered else idle
