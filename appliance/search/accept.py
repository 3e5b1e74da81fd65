"""The gates through which a candidate takes the lead."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, Protocol

from appliance.search.candidate import Candidate, difference


class Accept(Protocol):
    """A gate. ``outcome`` is the word for a candidate that passes; ``ends_round`` says whether the
    other proposals of its round are then left untried."""

    @property
    def outcome(self) -> str: ...
    @property
    def ends_round(self) -> bool: ...
    def passes(self, candidate: Candidate, leader: Candidate, among: int) -> bool:
        """Whether ``candidate`` takes the lead. It is one of ``among`` proposals of its round and
        was kept in its race against ``leader``."""
        ...


@dataclass(frozen=True)
class Ahead:
    """Passes a candidate whose mean penalty is lower than the leader's (SMAC's intensification,
    Hutter, Hoos and Leyton-Brown, LION 2011)."""

    outcome: ClassVar[str] = "leads"
    ends_round: ClassVar[bool] = False

    def passes(self, candidate: Candidate, leader: Candidate, among: int) -> bool:
        return candidate.gain > 0


@dataclass(frozen=True)
class Proven:
    """Passes a candidate that is proven better on the cases that the leader has seen, without those
    that it was made from. The test is paired and one-sided, and the proposals of the round share
    its ``alpha`` (Bonferroni)."""

    alpha: float = 0.05
    outcome: ClassVar[str] = "accepted"
    ends_round: ClassVar[bool] = True

    def passes(self, candidate: Candidate, leader: Candidate, among: int) -> bool:
        if len(candidate.scored) < len(leader.scored):
            return False
        z = NormalDist().inv_cdf(1 - self.alpha / max(among, 1))
        return difference(candidate, leader).proves_better(z)
