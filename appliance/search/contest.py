"""Candidates racing on the tuning cases: every one sees the same cases in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum, sqrt

import msgspec

from appliance.prompt import Prompt
from appliance.scoring.evaluator import (
    WEIGHTS,
    Evaluator,
    Fit,
    Scored,
    accuracy,
    fit,
    mean_loss,
    penalty,
)
from appliance.scoring.racing import survivors
from appliance.task import Case
from appliance.workbench import Unanswerable

FIRST = 24
"""Cases of the first rung, which every candidate sees."""


@dataclass(eq=False)
class Candidate:
    """A prompt with what is known of it. Its calibration weight is fitted to the scores, unless the
    prompt is to be taken as it is (``fixed``). ``rows`` are those that it was written from."""

    prompt: Prompt
    operator: str
    parent: Candidate | None = None
    section: str = ""
    rows: tuple[str, ...] = ()
    fixed: bool = False
    scored: list[Scored] = field(default_factory=list)
    _fitted: tuple[int, Fit] | None = None

    @property
    def fit(self) -> Fit:
        if self._fitted is None or self._fitted[0] != len(self.scored):
            weights = (self.prompt.weight,) if self.fixed else WEIGHTS
            self._fitted = len(self.scored), fit(self.scored, weights)
        return self._fitted[1]

    @property
    def weight(self) -> float:
        return self.fit.weight

    @property
    def final(self) -> Prompt:
        """The prompt with its fitted weight."""
        return msgspec.structs.replace(self.prompt, weight=self.weight)

    @property
    def accuracy(self) -> float:
        return accuracy(self.scored, self.weight)

    @property
    def loss(self) -> float:
        return mean_loss(self.scored, self.weight)

    def penalties(self, cases: int) -> list[float]:
        return [penalty(scored, self.fit) for scored in self.scored[:cases]]


class Contest:
    """Runs candidates against the leader. ``seen(candidate, outcome)`` is told of each race."""

    def __init__(
        self,
        evaluator: Evaluator,
        cases: Sequence[Case],
        seed: Prompt,
        seen: Callable[[Candidate, str], None],
    ) -> None:
        self.evaluator = evaluator
        self.cases = cases
        self.seen = seen
        self.seed = Candidate(seed, "seed", fixed=True)
        self.entries: dict[str, Candidate] = {}
        self.extend(self.seed, FIRST)
        seen(self.seed, "leads")
        self.leader = Candidate(seed, "calibrate", self.seed, scored=list(self.seed.scored))
        self.entries[_key(seed)] = self.leader
        seen(self.leader, "leads")

    def extend(self, candidate: Candidate, cases: int) -> None:
        """Scores the candidate on the first ``cases`` cases, as far as it was not."""
        have = len(candidate.scored)
        if have < min(cases, len(self.cases)):
            candidate.scored += self.evaluator.score(candidate.prompt, self.cases[have:cases])

    def enter(
        self,
        prompt: Prompt,
        operator: str,
        *,
        depth: int,
        parent: Candidate,
        section: str = "",
        rows: tuple[str, ...] = (),
        may_lead: bool = True,
    ) -> Candidate | None:
        """Races a new prompt against the leader, rung by rung up to ``depth`` cases.

        It leads if it may and is ahead at the end. None for a prompt that was here before, and for
        one that the model cannot take.
        """
        key = _key(prompt)
        if key in self.entries:
            return None
        candidate = Candidate(prompt, operator, parent, section, rows)
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
        if outcome == "kept" and may_lead and margin(candidate, self.leader) < 0:
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
                try:
                    self.extend(candidate, cases)
                except Unanswerable:
                    continue
                extended.append(candidate)
            if not extended:
                break
            ranked = _ranked(extended, cases)
        if ranked[0] is not self.leader:
            self.promote(ranked[0], "leads")

    def _level(self, candidate: Candidate, cases: int) -> bool:
        """Whether the candidate can still lead, on its first ``cases`` cases."""
        try:
            self.extend(self.leader, cases)
        except Unanswerable:
            # The leader cannot take a case that the candidate can.
            return True
        losses = {"leader": self.leader.penalties(cases), "new": candidate.penalties(cases)}
        return "new" in survivors(losses, keep=2)


def _key(prompt: Prompt) -> str:
    """Prompts that differ in their weight alone are one candidate: it is fitted."""
    return msgspec.structs.replace(prompt, weight=0.0).id


def _ranked(candidates: Iterable[Candidate], cases: int) -> list[Candidate]:
    return sorted(candidates, key=lambda c: (fsum(c.penalties(cases)), c.prompt.id))


def rungs(depth: int) -> list[int]:
    """Cases after which a race looks at its losses: first few, then about twice as many each."""
    steps = [min(FIRST, depth)]
    while steps[-1] < depth:
        following = 2 * steps[-1]
        steps.append(depth if following > depth / 1.5 else following)
    return steps


def margin(candidate: Candidate, leader: Candidate) -> float:
    """Mean paired difference of penalties on the cases both have seen; below 0 is better."""
    return _paired(candidate, leader)[0]


def is_better(candidate: Candidate, leader: Candidate, z: float = 1.64) -> bool:
    """Whether the candidate's paired gain exceeds ``z`` standard errors."""
    mean, error = _paired(candidate, leader)
    return mean < 0 and -mean > z * error


def _paired(candidate: Candidate, leader: Candidate) -> tuple[float, float]:
    n = min(len(candidate.scored), len(leader.scored))
    pairs = zip(candidate.penalties(n), leader.penalties(n), strict=True)
    differences = [new - old for new, old in pairs]
    mean = fsum(differences) / n
    variance = fsum((d - mean) ** 2 for d in differences) / max(n - 1, 1)
    return mean, sqrt(variance / n)
