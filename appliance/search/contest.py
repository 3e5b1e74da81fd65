"""Candidates racing on the tuning cases: every one sees the same cases in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum, sqrt

import msgspec

from appliance.prompt import Prompt
from appliance.scoring.evaluator import Evaluator, Scored, accuracy, best_weight, mean_loss
from appliance.scoring.racing import survivors
from appliance.task import Case

FIRST = 24
"""Cases of the first rung, which every candidate sees."""


@dataclass
class Candidate:
    """A prompt with what is known of it. Calibration weights cost nothing: the best one is fitted
    to the scores, unless the prompt is to be taken as it is (``fixed``)."""

    prompt: Prompt
    operator: str
    parent: str | None = None
    section: str = ""
    fixed: bool = False
    scored: list[Scored] = field(default_factory=list)

    @property
    def weight(self) -> float:
        return self.prompt.weight if self.fixed else best_weight(self.scored)

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
        """What decides a race, case by case: the loss, and one more nat for a wrong answer. The
        loss alone would trade decisions for confidence, errors alone are too coarse to race on."""
        weight = self.weight
        return [s.loss(weight) + (not s.correct(weight)) for s in self.scored[:cases]]


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
        self.leader = Candidate(seed, "calibrate", parent=seed.id, scored=list(self.seed.scored))
        self.entries[_key(seed)] = self.leader
        seen(self.seed, "leads")

    def extend(self, candidate: Candidate, cases: int) -> None:
        """Scores the candidate on the first ``cases`` cases, as far as it was not."""
        have = len(candidate.scored)
        if have < min(cases, len(self.cases)):
            candidate.scored += self.evaluator.score(candidate.prompt, self.cases[have:cases])

    def enter(
        self, prompt: Prompt, operator: str, *, depth: int, parent: str, section: str = ""
    ) -> Candidate | None:
        """Races a new prompt against the leader, block by block up to ``depth`` cases.

        None for a prompt that was here before. It leads if it is ahead at the end.
        """
        key = _key(prompt)
        if key in self.entries:
            return None
        candidate = Candidate(prompt, operator, parent, section)
        self.entries[key] = candidate
        depth = min(depth, len(self.cases))
        for cases in rungs(depth):
            self.extend(candidate, cases)
            if not self._level(candidate, cases):
                self.seen(candidate, "dropped")
                return candidate
        ahead = margin(candidate, self.leader) < 0
        if ahead:
            self.leader = candidate
        self.seen(candidate, "leads" if ahead else "kept")
        return candidate

    def halve(self, keep: int, depth: int) -> list[Candidate]:
        """The best candidates on ``depth`` cases, best first, found by successive halving."""
        ladder = rungs(min(depth, len(self.cases)))[1:]
        ranked = _ranked(self.entries.values(), FIRST)
        for step, cases in enumerate(ladder, 1):
            ranked = ranked[: keep * 2 ** (len(ladder) - step)]
            for candidate in ranked:
                self.extend(candidate, cases)
            ranked = _ranked(ranked, cases)
        if ranked[0] is not self.leader:
            self.leader = ranked[0]
            self.seen(self.leader, "leads")
        return ranked[:keep]

    def _level(self, candidate: Candidate, cases: int) -> bool:
        """Whether the candidate can still lead, on its first ``cases`` cases."""
        self.extend(self.leader, cases)
        losses = {"leader": self.leader.penalties(cases), "new": candidate.penalties(cases)}
        return "new" in survivors(losses, keep=2)


def _key(prompt: Prompt) -> str:
    """Prompts that differ in their weight alone are one candidate: it is fitted."""
    return msgspec.structs.replace(prompt, weight=0.0).id


def _ranked(candidates: Iterable[Candidate], cases: int) -> list[Candidate]:
    return sorted(candidates, key=lambda c: (fsum(c.penalties(cases)), c.prompt.id))


def rungs(depth: int) -> list[int]:
    """Cases after which a race looks at its losses: first few, then twice as many each time."""
    steps = [FIRST]
    while steps[-1] < depth:
        steps.append(min(2 * steps[-1], depth))
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
