"""What a method works with. A method looks at candidates and cases, asks the reasoner and proposes;
it never touches the budget, the journal, the races or the recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from random import Random
from typing import TypeVar

import msgspec

from appliance.prompts.prompt import Prompt, Readout
from appliance.scoring.answers import gold
from appliance.search.candidate import Candidate
from appliance.search.experience import Experience
from appliance.search.portfolio import Format
from appliance.search.race import Going, Race
from appliance.search.reasoner import Reasoner
from appliance.search.spaces import space_of, without_reasoning
from appliance.search.spaces.space import Space
from appliance.task import Case, Task

T = TypeVar("T")

SEEDS = 2**31


class Ended(Exception):
    """A method ends here: its budget is spent, or the model cannot take the cases that it needs."""


class Failure(msgspec.Struct, frozen=True):
    """A case that a candidate got wrong: what was ``predicted``, what is ``gold``, and the loss in
    nats."""

    case: Case
    predicted: str
    gold: str
    loss: float


class Lab:
    """``demonstrations`` are ids of rows that may stand in a prompt, by label. ``random`` is seeded
    with the run's ``seed``; a method has no other source of randomness. ``experience`` was frozen
    when the run was planned, and so were the formats that other tasks ``learnt``. ``readouts`` are
    those that a prompt may have."""

    def __init__(
        self,
        race: Race,
        space: Space,
        demonstrations: Mapping[str, tuple[str, ...]],
        seed: int,
        reasoner: Reasoner | None = None,
        experience: Sequence[Experience] = (),
        learnt: Sequence[Format] = (),
        readouts: Sequence[Readout] = ("words",),
    ) -> None:
        self.space = space
        self.demonstrations = demonstrations
        self.seed = seed
        self.random = Random(seed)
        self.experience = tuple(experience)
        self.learnt = tuple(learnt)
        self.readouts = tuple(readouts)
        self.going: Going = lambda: True
        self._race = race
        self._reasoner = reasoner

    @property
    def task(self) -> Task:
        return self._race.evaluator.task

    @property
    def lettered(self) -> bool:
        """Whether the texts list their options by letter."""
        return "options" in self.space.rules

    def space_for(self, prompt: Prompt) -> Space:
        """The formats of the prompt's form, which may not be the seed's. No state is read behind
        reasoning."""
        same = prompt.form == self.seed_prompt.prompt.form
        space = self.space if same else space_of(self.task, prompt, self.lettered)
        return without_reasoning(space) if prompt.readout == "hidden" else space

    @property
    def can_ask(self) -> bool:
        """Whether there is a reasoner."""
        return self._reasoner is not None

    @property
    def seed_prompt(self) -> Candidate:
        """The prompt that the run began from, as it was given."""
        return self._race.seed

    @property
    def leader(self) -> Candidate:
        return self._race.leader

    @property
    def population(self) -> list[Candidate]:
        """Every candidate that was raced, in the order of their races."""
        return list(self._race.entries.values())

    def best(self, k: int = 1) -> list[Candidate]:
        """The ``k`` best candidates, best first: those that were scored on more cases come before
        the others, and among equals the lower mean penalty decides."""

        def rank(candidate: Candidate) -> tuple[int, float, str]:
            n = len(candidate.scored)
            return -n, fsum(candidate.penalties(n)) / max(n, 1), candidate.prompt.id

        return sorted(self.population, key=rank)[:k]

    def examples(self, k: int) -> list[Case]:
        """``k`` of the cases that the leader has seen, drawn at random among those whose rows may
        ship, since a reasoner may repeat what it has read."""
        seen = self._race.cases[: len(self.leader.scored)]
        return self._some([case for case in seen if _may_be_read(case)], k)

    def failures(self, of: Candidate, k: int) -> list[Failure]:
        """``k`` cases that a candidate got wrong, drawn at random among those whose rows may
        ship."""
        seen = zip(self._race.cases, of.outcomes(), strict=False)
        wrong = [
            Failure(
                case,
                outcome.predicted(of.by),
                gold(self.task, of.prompt, case),
                outcome.loss(of.by, of.metric),
            )
            for case, outcome in seen
            if _may_be_read(case) and not outcome.correct(of.by)
        ]
        return self._some(wrong, k)

    def write(
        self,
        text: str,
        *,
        n: int = 1,
        max_tokens: int = 256,
        temperature: float | None = None,
        stop: tuple[str, ...] = (),
        grammar: str = "",
    ) -> list[str]:
        """The reasoner's replies to a text, whole and as it wrote them; none where it cannot take
        the text. ``temperature`` is the engine's usual one unless given; ``grammar`` is GBNF.

        Raises Ended where the method's budget is spent, LookupError where there is no reasoner.
        """
        if self._reasoner is None:
            raise LookupError("this run has no reasoner; such a method is not to be scheduled")
        if not self.going():
            raise Ended
        return self._reasoner.write(
            text,
            n=n,
            max_tokens=max_tokens,
            seed=self.random.randrange(SEEDS),
            temperature=temperature,
            stop=stop,
            grammar=grammar,
        )

    def _some(self, items: Sequence[T], k: int) -> list[T]:
        return self.random.sample(items, min(k, len(items)))


def _may_be_read(case: Case) -> bool:
    """Whether a reasoner may read the case: all of its rows may ship."""
    return all(row.may_ship for row in (case.query, *case.support))
