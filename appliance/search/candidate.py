"""A prompt that a method proposes, and what a race finds out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.calibrate.calibration import calibrated, fit, fit_inverse_temperature, penalties
from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.kinds import Metric
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome
from appliance.statistics.differences import Difference, compare
from appliance.statistics.metrics import estimate, mean_loss
from appliance.statistics.proportions import Estimate
from appliance.task import Case


@dataclass(frozen=True)
class Proposal:
    """A prompt with its origin: the ``operator`` that made it from its ``parents``, the ``section``
    that the operator changed, and the cases that it was written from (``source``)."""

    prompt: Prompt
    operator: str
    section: str = ""
    parents: tuple[Candidate, ...] = ()
    source: tuple[Case, ...] = ()


@dataclass(eq=False)
class Candidate:
    """A prompt with its outcomes on the first cases of a race (``scored``).

    A calibration is fitted to the outcomes for an ``objective``, unless the prompt is to be taken
    as it is (``fixed``). The cases of ``source`` do not count in its race. ``gain`` is the mean
    paired difference of penalties by which it was better than the leader that it met, and ``cost``
    is what scoring it took (cost units).
    """

    prompt: Prompt
    operator: str
    section: str = ""
    parents: tuple[Candidate, ...] = ()
    source: tuple[Case, ...] = ()
    fixed: bool = False
    objective: Objective = field(default_factory=Objective)
    scored: list[Outcome] = field(default_factory=list)
    gain: float = 0.0
    cost: float = 0.0
    _fitted: tuple[int, Fit] | None = None

    @property
    def parent(self) -> Candidate | None:
        """The first parent."""
        return self.parents[0] if self.parents else None

    @property
    def fit(self) -> Fit:
        if self._fitted is None or self._fitted[0] != len(self.scored):
            fitted = (
                fit_inverse_temperature(self.scored, [self.prompt], self.objective)
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
        """The ids of the rows that the prompt was written from."""
        return tuple(case.query.id for case in self.source)

    @property
    def final(self) -> Prompt:
        """The prompt with its fitted calibration."""
        return calibrated(self.prompt, self.fit)

    @property
    def estimate(self) -> Estimate:
        """The task's metric over the outcomes."""
        return estimate(self.scored, self.fit, self.metric)

    @property
    def loss(self) -> float:
        """The mean loss in nats."""
        return mean_loss(self.scored, self.fit, self.metric)

    def penalties(self, cases: int) -> list[float]:
        """The penalties of the first ``cases`` outcomes."""
        return self.penalties_of(self.scored[:cases])

    def penalties_of(self, outcomes: Sequence[Outcome]) -> list[float]:
        """The penalties of any outcomes of this prompt, as a race counts them."""
        return penalties(outcomes, self.fit, self.objective)


def difference(candidate: Candidate, leader: Candidate) -> Difference:
    """The paired difference of two candidates' penalties on the cases that both have seen and that
    neither was written from."""
    n = min(len(candidate.scored), len(leader.scored))
    known = {case.id for case in (*candidate.source, *leader.source)}
    new, old = candidate.penalties(n), leader.penalties(n)
    fair = [i for i, scored in enumerate(candidate.scored[:n]) if scored.case not in known]
    return compare([new[i] for i in fair], [old[i] for i in fair])
