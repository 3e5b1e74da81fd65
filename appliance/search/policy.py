"""Chooses what a method does next, among sections, sentences or operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.search.candidate import Candidate
from appliance.search.lab import Lab


class Policy(Protocol):
    """Chooses an option, and learns from what came of it."""

    def choose(self, lab: Lab, options: Sequence[str]) -> str:
        """One of the ``options``. One that stands several times in them may count several times."""
        ...

    def learn(self, option: str, candidate: Candidate | None) -> None:
        """Takes in the candidate that the option led to, None where it asked nothing new."""
        ...


class Uniform:
    """Draws among the options and learns nothing."""

    def choose(self, lab: Lab, options: Sequence[str]) -> str:
        return lab.random.choice(options)

    def learn(self, option: str, candidate: Candidate | None) -> None:
        return
