"""Candidates racing on the tuning cases: every one sees the same cases in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum

from appliance.calibrate.calibration import (
    Fit,
    calibrated,
    fit,
    penalties,
    sharpen,
)
from appliance.calibrate.objective import Objective
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome
from appliance.statistics.differences import Difference, compare
from appliance.statistics.metrics import estimate, mean_loss
from appliance.statistics.proportions import Estimate
from appliance.task import Case, Metric

FIRST = 24
"""Cases of the first rung, which every candidate sees."""


@dataclass(eq=False)
class Candidate:
    """A prompt with what is known of it. Its calibration is fitted to the scores for an ``aim``,
    unless the prompt is to be taken as it is (``fixed``).

    ``source`` are the cases that it was written from: they say nothing for it in a race. ``gain``
    is by how much its race showed it better than the leader it met (mean paired penalty), ``cost``
    what scoring it has cost.
    """

    prompt: Prompt
    operator: str
    parent: Candidate | None = None
    section: str = ""
    source: tuple[Case, ...] = ()
    fixed: bool = False
    objective: Objective = field(default_factory=Objective)
    scored: list[Outcome] = field(default_factory=list)
    gain: float = 0.0
    cost: float = 0.0
    _fitted: tuple[int, Fit] | None = None

    @property
    def fit(self) -> Fit:
        if self._fitted is None or self._fitted[0] != len(self.scored):
            fitted = (
                sharpen(self.scored, [self.prompt], self.objective)
                if self.fixed
                else fit(self.scored, self.objective)
            )
            self._fitted = len(self.scored), fitted
        return self._fitted[1]

    @property
    def metric(self) -> Metric:
        return self.objective.metric

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that the prompt was written from."""
        return tuple(case.query.id for case in self.source)

    @property
    def final(self) -> Prompt:
        """The prompt with its fitted calibration."""
        return calibrated(self.prompt, self.fit)

    @property
    def estimate(self) -> Estimate:
        """By the task's metric."""
        return estimate(self.scored, self.fit, self.metric)

    @property
    def loss(self) -> float:
        return mean_loss(self.scored, self.fit, self.metric)

    def penalties(self, cases: int) -> list[float]:
        return self.penalties_of(self.scored[:cases])

    def penalties_of(self, outcomes: Sequence[Outcome]) -> list[float]:
        """What the candidate did on any cases, as a race counts it."""
        return penalties(outcomes, self.fit, self.objective)


class Contest:
    """Runs candidates against the leader. ``seen(candidate, outcome)`` is told of each race, and of
    each candidate that was scored on more cases, as ``extended``."""

    def __init__(
        self,
        evaluator: Evaluator,
        cases: Sequence[Case],
        seed: Prompt,
        seen: Callable[[Candidate, str], None],
        objective: Objective,
    ) -> None:
        self.evaluator = evaluator
        self.cases = cases
        self.seen = seen
        self.objective = objective
        self.seed = Candidate(seed, "seed", fixed=True, objective=objective)
        self.entries: dict[str, Candidate] = {}
        self.extend(self.seed, FIRST)
        seen(self.seed, "leads")
        self.leader = Candidate(
            seed, "calibrate", self.seed, objective=objective, scored=list(self.seed.scored)
        )
        self.leader.gain = -difference(self.leader, self.seed).mean
        self.entries[self._key(seed)] = self.leader
        seen(self.leader, "leads")

    def extend(self, candidate: Candidate, cases: int) -> None:
        """Scores the candidate on the first ``cases`` cases, as far as it was not."""
        have = len(candidate.scored)
        if have < min(cases, len(self.cases)):
            before = self.evaluator.spent
            candidate.scored += self.evaluator.score(candidate.prompt, self.cases[have:cases])
            candidate.cost += self.evaluator.spent - before

    def enter(
        self,
        prompt: Prompt,
        operator: str,
        *,
        depth: int,
        parent: Candidate,
        section: str = "",
        source: tuple[Case, ...] = (),
        may_lead: bool = True,
    ) -> Candidate | None:
        """Races a new prompt against the leader, rung by rung up to ``depth`` cases.

        It leaves as soon as it is behind, and leads if it may and is ahead at the end (SMAC's
        intensification, Hutter, Hoos and Leyton-Brown, LION 2011): neighbours are cheap, so the
        budget buys more of them rather than certainty about each. None for a prompt that asks the
        model nothing new, and for one that it cannot take.
        """
        key = self._key(prompt)
        if key in self.entries:
            return None
        candidate = Candidate(prompt, operator, parent, section, source, objective=self.objective)
        outcome = "kept"
        try:
            for cases in rungs(min(depth, len(self.cases))):
                self.extend(candidate, cases)
                if not self._level(candidate, cases):
                    outcome = "dropped"
                    break
        except Unanswerable:
            return None
        self.entries[key] = candidate
        candidate.gain = -difference(candidate, self.leader).mean
        if outcome == "kept" and may_lead and candidate.gain > 0:
            self.leader, outcome = candidate, "leads"
        self.seen(candidate, outcome)
        return candidate

    def promote(self, candidate: Candidate, outcome: str) -> None:
        self.leader = candidate
        self.seen(candidate, outcome)

    def halve(self, keep: int, depth: int, going: Callable[[], bool]) -> None:
        """Finds the leader on ``depth`` cases by successive halving, as far as ``going()`` lets
        (Jamieson and Talwalkar, AISTATS 2016)."""
        ladder = rungs(min(depth, len(self.cases)))[1:]
        ranked = _ranked(self.entries.values(), FIRST)
        for step, cases in enumerate(ladder, 1):
            ranked = ranked[: keep * 2 ** (len(ladder) - step)]
            extended = []
            for candidate in ranked:
                if not going():
                    break
                have = len(candidate.scored)
                try:
                    self.extend(candidate, cases)
                except Unanswerable:
                    continue
                if len(candidate.scored) > have:
                    self.seen(candidate, "extended")
                extended.append(candidate)
            if not extended:
                break
            ranked = _ranked(extended, cases)
        if ranked[0] is not self.leader:
            self.promote(ranked[0], "leads")

    def _key(self, prompt: Prompt) -> str:
        """Prompts that read the same on the first rung are one candidate: their calibration is
        fitted, and a rule may change nothing here (lower case where labels are in lower case)."""
        return self.evaluator.asked(prompt, self.cases[:FIRST])

    def _level(self, candidate: Candidate, cases: int) -> bool:
        """Whether the candidate can still lead, on its first ``cases`` cases."""
        try:
            self.extend(self.leader, cases)
        except Unanswerable:
            # The leader cannot take a case that the candidate can.
            return True
        return difference(candidate, self.leader).mean <= 0


def _ranked(candidates: Iterable[Candidate], cases: int) -> list[Candidate]:
    return sorted(candidates, key=lambda c: (fsum(c.penalties(cases)), c.prompt.id))


def rungs(depth: int) -> list[int]:
    """Cases after which a race looks at its losses: first few, then about twice as many each."""
    steps = [min(FIRST, depth)]
    while steps[-1] < depth:
        following = 2 * steps[-1]
        steps.append(depth if following > depth / 1.5 else following)
    return steps


def difference(candidate: Candidate, leader: Candidate) -> Difference:
    """Of their penalties on the cases that both have seen and neither was written from."""
    n = min(len(candidate.scored), len(leader.scored))
    known = {case.id for case in (*candidate.source, *leader.source)}
    new, old = candidate.penalties(n), leader.penalties(n)
    fair = [i for i, scored in enumerate(candidate.scored[:n]) if scored.case not in known]
    return compare([new[i] for i in fair], [old[i] for i in fair])
