"""A prompt that a method proposes, and what a race finds out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.calibrate.calibration import (
    calibrated,
    errors,
    fit,
    fit_inverse_temperature,
    held_out,
    penalties,
)
from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.calibrate.readout import cross_validated, predicted
from appliance.kinds import Metric
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence, as_states, read
from appliance.scoring.outcomes import Outcome, Scored
from appliance.search.rungs import Step
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
    """A prompt with the model's evidence on the first cases of a race (``scored``).

    A calibration or a map of hidden states is fitted for an ``objective``, unless the prompt is to
    be taken as it is (``fixed``). Candidates are compared by outcomes whose calibration or map was
    fitted to other cases (cross-validation). The cases of ``source`` do not count in its race.
    ``gain`` is the mean paired difference of penalties by which it was better than the leader that
    it met, ``cost`` is what scoring it took (cost units), and ``paid`` says in which steps.
    """

    prompt: Prompt
    operator: str
    section: str = ""
    parents: tuple[Candidate, ...] = ()
    source: tuple[Case, ...] = ()
    fixed: bool = False
    objective: Objective = field(default_factory=Objective)
    scored: list[Evidence] = field(default_factory=list)
    gain: float = 0.0
    cost: float = 0.0
    paid: list[Step] = field(default_factory=list)
    _fitted: tuple[int, Fit] | None = None
    _read: dict[int, list[Outcome]] = field(default_factory=dict)

    @property
    def parent(self) -> Candidate | None:
        """The first parent."""
        return self.parents[0] if self.parents else None

    @property
    def fits_map(self) -> bool:
        """Whether a map of hidden states is to be fitted for the prompt."""
        return self.prompt.readout == "hidden" and not self.fixed

    def outcomes(self, cases: int | None = None) -> list[Outcome]:
        """Those of the first ``cases``, or of all that it has seen, as they are compared under
        ``by``. Only these cases count for what is fitted, so that of two candidates neither gains
        by having seen more."""
        n = len(self.scored) if cases is None else min(cases, len(self.scored))
        if n not in self._read:
            self._read[n] = self._compared(self.scored[:n])
        return self._read[n]

    def _compared(self, scored: Sequence[Evidence]) -> list[Outcome]:
        if self.fits_map:
            return [*cross_validated(as_states(scored), self.objective)]
        if self._holds_out:
            return [*held_out([one for one in scored if isinstance(one, Scored)], self.objective)]
        return read(self.prompt, scored)

    @property
    def _holds_out(self) -> bool:
        """Whether the calibration of a case's outcome is fitted to other cases."""
        return not self.fixed and isinstance(self.scored[0], Scored)

    @property
    def by(self) -> Fit:
        """The calibration under which ``outcomes`` are read: none where it is in their scores."""
        return Fit(0.0) if self.fits_map or self._holds_out else self.fit

    @property
    def fit(self) -> Fit:
        """What is fitted to all cases seen."""
        if self.fits_map:
            return Fit(0.0)
        if self._fitted is None or self._fitted[0] != len(self.scored):
            outcomes = read(self.prompt, self.scored)
            fitted = (
                fit_inverse_temperature(outcomes, [self.prompt], self.objective)
                if self.fixed
                else fit(outcomes, self.objective)
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
        """The prompt with its fitted calibration. A map is fitted once, to the winner."""
        return self.prompt if self.fits_map else calibrated(self.prompt, self.fit)

    @property
    def estimate(self) -> Estimate:
        """The task's metric over the outcomes."""
        return estimate(self.outcomes(), self.by, self.metric)

    @property
    def loss(self) -> float:
        """The mean loss in nats."""
        return mean_loss(self.outcomes(), self.by, self.metric)

    def penalties(self, cases: int) -> list[float]:
        """The penalties of the first ``cases`` outcomes."""
        return penalties(self.outcomes(cases), self.by, self.objective)

    @property
    def identity(self) -> tuple[str, float]:
        """What tells the candidate's answers from those of others: its final prompt, which has no
        likeness yet, and the weight of the likeness."""
        return self.final.id, self.fit.likeness_weight

    def unseen(self, evidence: Sequence[Evidence]) -> list[Outcome]:
        """The outcomes of cases that are not among those scored, by a map that was fitted to all of
        these."""
        if not self.fits_map:
            return read(self.prompt, evidence)
        return [*predicted(as_states(self.scored), as_states(evidence), self.objective)]

    def penalties_of(self, outcomes: Sequence[Outcome]) -> list[float]:
        """The penalties of any outcomes of this prompt, as a race counts them."""
        return penalties(outcomes, self.fit, self.objective)

    def errors_of(self, outcomes: Sequence[Outcome]) -> list[float]:
        """The errors of any outcomes of this prompt, on one scale for all kinds of outcomes."""
        return errors(outcomes, self.fit, self.objective)


def difference(candidate: Candidate, leader: Candidate) -> Difference:
    """The paired difference of two candidates' penalties on the cases that both have seen and that
    neither was written from."""
    n = min(len(candidate.scored), len(leader.scored))
    known = {case.id for case in (*candidate.source, *leader.source)}
    new, old = candidate.penalties(n), leader.penalties(n)
    fair = [i for i, scored in enumerate(candidate.scored[:n]) if scored.case not in known]
    return compare([new[i] for i in fair], [old[i] for i in fair])


def mapped_difference(hidden: Candidate, words: Candidate) -> Difference:
    """The paired difference of a candidate that reads hidden states, with a map that is fitted to
    all the cases that it has seen, from one that reads label words, on the cases that both have
    seen and that neither was written from. Where these answer yes or no to each label, whose losses
    are other ones, errors alone are compared."""
    n = min(len(words.scored), len(hidden.scored))
    known = {case.id for case in (*hidden.source, *words.source)}
    fair = [i for i, scored in enumerate(words.scored[:n]) if scored.case not in known]
    mapped, said = hidden.outcomes()[:n], words.outcomes(n)
    alike = {*map(type, mapped)} == {*map(type, said)}
    compared = penalties if alike else errors
    new = compared(mapped, hidden.by, hidden.objective)
    old = compared(said, words.by, words.objective)
    return compare([new[i] for i in fair], [old[i] for i in fair])
