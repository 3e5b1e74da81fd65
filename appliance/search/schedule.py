"""How a search spends its budget: on which methods, on how many cases, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from random import Random
from typing import NamedTuple

from appliance.prompts.prompt import Prompt, Readout
from appliance.search.objective import is_positive
from appliance.task import Case, Task

FIRST = 24
"""Cases of the first rung, which every candidate sees."""

ROWS_A_LABEL = 3
"""The rows of each label, in the mean, that the first rung has where a map of hidden states is
fitted. The map is judged on rows that it was not fitted to: of fewer rows of a label, too few would
be left to fit it to."""

DEEPEST = 8 * FIRST
"""The most cases on which a race is decided."""

MAPPED = 2 * DEEPEST
"""The cases that a map of hidden states is fitted to before it is compared with anything else."""

CONTESTED = 2 * FIRST
"""The cases on which label words race while another candidate reads hidden states. Most are clearly
behind it there, and they cost far more."""

CLEARLY = 2.0
"""Standard errors by which hidden states must be better for label words to be scored no further."""

LITTLE = 1.0
"""Standard errors by which a candidate that reads hidden states may be behind the leader without
leaving the race."""

LEAST_CANDIDATES = 20
"""Fewer candidates make no search."""


class Phase(NamedTuple):
    """``methods`` propose in turn until a share of the stage's budget is spent (``until``).

    Where ``halved`` is given, candidates see the first rung alone. Successive halving then finds
    the best of them until the share ``halved`` is spent.
    """

    methods: tuple[str, ...]
    until: float
    halved: float = 0.0


KNOWN = Phase(("portfolio",), until=0.3)
"""Formats that are known to work come first; the one that leads says how labels are read."""

STANDARD = (
    Phase(("formats",), until=0.5, halved=0.6),
    Phase(("induce", "rewrite"), until=0.7),
    Phase(("local",), until=1.0),
)
"""The order in which a small model gains: first its format, then instructions, then demonstrations
and wording around the best (see docs/benchmarks.md)."""

AROUND = (Phase(("induce", "rewrite"), until=0.5), Phase(("local",), until=1.0))
"""What follows where hidden states are read. Candidates are cheap there, and the neighbours of the
leader are worth more than formats that are drawn at random."""


def phases(methods: Sequence[str], readout: Callable[[], Readout]) -> Iterator[Phase]:
    """The standard schedule, or one phase of the ``methods`` that a run names. ``readout`` is asked
    for that of the leader when the known formats have been tried."""
    if methods:
        yield Phase(tuple(methods), until=1.0)
        return
    yield KNOWN
    yield from AROUND if readout() == "hidden" else STANDARD


def first_rung(prompt: Prompt, labels: int) -> int:
    """The cases of the first rung for a prompt on a task of so many labels."""
    return max(FIRST, ROWS_A_LABEL * labels) if prompt.readout == "hidden" else FIRST


def rungs(depth: int, first: int = FIRST) -> list[int]:
    """The numbers of cases after which a race compares. Each is about twice the one before."""
    steps = [min(first, depth)]
    while steps[-1] < depth:
        following = 2 * steps[-1]
        steps.append(depth if following > depth / 1.5 else following)
    return steps


def race_depth(cost_of_a_case: float, budget: float) -> int:
    """The number of cases on which a race is decided. A tenth of the budget pays for them."""
    return max(2 * FIRST, min(DEEPEST, int(0.1 * budget / max(cost_of_a_case, 1e-9))))


def ordered(cases: Sequence[Case], task: Task, seed: int) -> list[Case]:
    """The cases, shuffled. Where the metric is micro-F1, every other case is positive while
    positive ones are left: a few cases with hardly a positive one tell nothing. Else the first
    cases have each label about as often as all of them."""
    shuffled = list(cases)
    Random(seed).shuffle(shuffled)
    if task.metric != "micro_f1":
        return _spread(shuffled)
    positives: list[Case] = []
    rest: list[Case] = []
    for case in shuffled:
        (positives if is_positive(task, case) else rest).append(case)
    pairs = list(chain.from_iterable(zip(positives, rest, strict=False)))
    return pairs + positives[len(rest) :] + rest[len(positives) :]


def _spread(cases: Sequence[Case]) -> list[Case]:
    """The cases in an order in which those of each stratum are evenly spread (systematic
    sampling)."""
    strata: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        strata.setdefault(case.query.strata, []).append(case)
    places = [
        ((at + 0.5) / len(some), number, case)
        for number, some in enumerate(strata.values())
        for at, case in enumerate(some)
    ]
    return [case for _, _, case in sorted(places, key=lambda place: place[:2])]
