"""A race of several prompts; one that is proven worse than the leader drops out early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

from appliance.evaluate.evaluator import Evaluator
from appliance.kinds import Metric
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import read
from appliance.scoring.outcomes import Outcome
from appliance.search.schedule import rungs
from appliance.statistics.differences import compare
from appliance.task import Case

ALPHA = 0.05
"""The most that the chance may be that any prompt as good as the leader drops out. All pairs at all
looks share it: the leader is the luckiest of all prompts, so what is compared with it is in effect
compared with all of them."""


@dataclass(eq=False)
class Entered:
    """A prompt with its outcomes on the first cases. ``rank`` counts from 1. ``behind`` is None
    unless the prompt was proven worse; then it is its mean error minus the leader's."""

    prompt: Prompt
    outcomes: list[Outcome] = field(default_factory=list)
    rank: int = 0
    behind: float | None = None

    def errors(self, n: int, metric: Metric) -> list[float]:
        return [outcome.error(self.prompt, metric) for outcome in self.outcomes[:n]]


def rank(evaluator: Evaluator, prompts: Sequence[Prompt], cases: Sequence[Case]) -> list[Entered]:
    """Races the prompts and returns all of them in the order given. Their errors by the task's
    metric are compared in pairs (racing, Maron and Moore, NIPS 1993), with Bonferroni over all
    comparisons and Student's t, since the first looks see few cases. A single prompt sees all
    cases."""
    from scipy.stats import t

    metric = evaluator.task.metric
    entries = [Entered(prompt) for prompt in prompts]
    steps = rungs(len(cases)) if len(prompts) > 1 else [len(cases)]
    alpha = ALPHA / max(len(steps) * len(prompts) * (len(prompts) - 1), 1)
    alive = entries
    for depth in steps:
        limit = float(t.isf(alpha, depth - 1))
        for entry in alive:
            more = cases[len(entry.outcomes) : depth]
            entry.outcomes += read(entry.prompt, evaluator.score(entry.prompt, more, "serving"))
        leader = min(alive, key=lambda entry: fsum(entry.errors(depth, metric)))
        for entry in alive:
            ahead = compare(leader.errors(depth, metric), entry.errors(depth, metric))
            if entry is not leader and ahead.proves_better(limit):
                entry.behind = round(-ahead.mean, 4)
        alive = [entry for entry in alive if entry.behind is None]
    order = sorted(
        entries, key=lambda e: (-len(e.outcomes), fsum(e.errors(len(e.outcomes), metric)))
    )
    for rank, entry in enumerate(order, 1):
        entry.rank = rank
    return entries
