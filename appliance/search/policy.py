"""What a method does next: which of its options, be they sections, sentences or operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.search.candidate import Candidate
from appliance.search.lab import Lab


class Policy(Protocol):
    """Chooses an option, and learns from what came of it."""

    def choose(self, lab: Lab, options: Sequence[str]) -> str:
        """One of the ``options``; one that stands several times is as many times as likely."""
        ...

    def learn(self, option: str, candidate: Candidate | None) -> None:
        """The candidate that the option led to; None where it asked the model nothing new."""
        ...


class Uniform:
    """Draws among the options and learns nothing."""

    def choose(self, lab: Lab, options: Sequence[str]) -> str:
        return lab.random.choice(options)

    def learn(self, option: str, candidate: Candidate | None) -> None:
        return
