"""The frame of all methods: what a method is, and how it is driven.

A published method is one short file that reads like its algorithm. It is a generator that yields
proposals, several at once where it has several, and is sent the candidates that they became:

    def method(lab: Lab) -> Turns:
        while True:
            scored = yield [Proposal(...), ...]
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.search.accept import Accept
from appliance.search.candidate import Candidate, Proposal
from appliance.search.lab import Ended, Lab
from appliance.search.race import Going, Race

Turns = Generator[Sequence[Proposal], list[Candidate | None], None]


class Method(NamedTuple):
    """``propose`` makes a method's turns. A phase ends when the turns in a row that brought no new
    candidate reach the sum of its methods' ``patience``.

    Two fields are for those who plan: ``written`` is the number of replies that it has the reasoner
    write at once (0 where it asks nothing), and ``typical`` draws prompts like those that it
    proposes. A run is priced by the typical prompts of the standard schedule.
    """

    propose: Callable[[Lab], Turns]
    patience: int = 20
    written: int = 0
    typical: Callable[[Loaded, int], list[Prompt]] | None = None


def in_turn(methods: Sequence[Method], lab: Lab) -> Turns:
    """The turns of several methods, one after the other, until they end or their patience does."""
    patience = sum(method.patience for method in methods)
    turns = {at: method.propose(lab) for at, method in enumerate(methods)}
    scored: dict[int, list[Candidate | None] | None] = dict.fromkeys(turns)
    idle = 0
    while turns:
        for at in list(turns):
            if idle == patience:
                return
            idle += 1
            try:
                proposals = turns[at].send(scored[at])  # type: ignore[arg-type]
            except StopIteration:
                del turns[at]
                continue
            scored[at] = found = yield proposals
            if any(found):
                idle = 0


def drive(turns: Turns, race: Race, *, depth: int, accept: Accept, going: Going) -> None:
    """Races what a method proposes, round by round, until the method or its budget is at an end."""
    proposals = _next(turns, None)
    while proposals is not None and going():
        found = race.round(proposals, depth=depth, accept=accept, going=going)
        proposals = _next(turns, found)
    turns.close()


def _next(turns: Turns, found: list[Candidate | None] | None) -> Sequence[Proposal] | None:
    """The proposals of the next round, None where the method has ended."""
    try:
        return turns.send(found)  # type: ignore[arg-type]
    except (StopIteration, Ended):
        return None
