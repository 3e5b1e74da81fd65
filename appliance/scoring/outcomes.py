"""What a prompt did with one case: it chose an option, or wrote an answer.

An outcome says how far it was right (``credit``, from 0 to 1), what was answered, how it counts for
an F1, and what a race compares (``loss``, in nats). Scores are rounded to 1e-4 before anything
reads them. The outcomes of yes/no questions are in ``yes_no``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log
from typing import NamedTuple, Protocol

import msgspec

from appliance.kinds import Metric
from appliance.task import Tally

MISS = 4.0
"""How much more a missed label weighs than a wrong one: F1 is maximal where costs are as (2 - F) to
F (Parambath, Usunier and Grandvalet, NeurIPS 2014), here at F = 0.4."""


class Calibration(Protocol):
    """How scores are corrected, as a prompt or a fit has it. ``bias`` is empty, or holds a number
    (nats) for each label."""

    @property
    def weight(self) -> float: ...
    @property
    def bias(self) -> tuple[float, ...]: ...
    @property
    def channel_weight(self) -> float: ...
    @property
    def likeness_weight(self) -> float: ...
    @property
    def threshold(self) -> float: ...


class Probable(Calibration, Protocol):
    """A calibration that makes probabilities of scores, as a tuned prompt does."""

    @property
    def temperature(self) -> float: ...
    @property
    def intercept(self) -> float: ...


class RunnerUp(NamedTuple):
    """The likeliest option that was not answered, with its probability."""

    text: str
    probability: float


class Outcome(Protocol):
    @property
    def case(self) -> str: ...
    @property
    def numbers(self) -> tuple[float, ...]:
        """What the model itself said, before any calibration."""
        ...

    @property
    def positive(self) -> bool:
        """Whether there is something to find: a label that is not none of the above."""
        ...

    def among(self, labels: Sequence[str]) -> Outcome:
        """The outcome if only these ``labels``, of those that were asked about, were possible. A
        written answer stays as it is."""
        ...

    def loss(self, by: Calibration, metric: Metric, inverse_temperature: float = 1.0) -> float: ...
    def credit(self, by: Calibration) -> float: ...
    def correct(self, by: Calibration) -> bool: ...
    def predicted(self, by: Calibration) -> str: ...
    def tally(self, by: Calibration) -> Tally: ...
    def error(self, by: Calibration, metric: Metric) -> float:
        """What a race adds to the loss for being wrong by the task's metric, from 0 to 1."""
        ...

    def confidence(self, by: Probable) -> float | None:
        """The probability of what was answered; None where it is not known."""
        ...

    def runner_up(self, by: Probable) -> RunnerUp | None:
        """The likeliest of what was not answered; None where that is not known."""
        ...

    def margin(self, by: Probable) -> float | None:
        """How clear the answer is, from 0 to 1; None where that is not known.

        It is how much likelier the answer is than the runner-up or, where yes or no is said to each
        label, how much likelier the least certain of these answers is than its opposite.
        """
        ...


class Scored(msgspec.Struct, frozen=True):
    """A choice among the options ``labels``, of which ``gold`` is the index of the right one.

    ``plain`` and ``free`` hold s(y) and s0(y) of each option, ``channel`` log p(row | y) where the
    prompt has a channel, all in nats. ``likeness`` holds how like the query is to each label's
    support, from -1 to 1, where that is read. ``none`` is the index of none of the above, or -1.
    """

    case: str
    gold: int
    plain: tuple[float, ...]
    free: tuple[float, ...]
    labels: tuple[str, ...] = ()
    channel: tuple[float, ...] = ()
    none: int = -1
    likeness: tuple[float, ...] = ()

    @property
    def numbers(self) -> tuple[float, ...]:
        return self.plain

    @property
    def positive(self) -> bool:
        return self.gold != self.none

    def among(self, labels: Sequence[str]) -> Scored:
        at = [self.labels.index(label) for label in labels]
        return msgspec.structs.replace(
            self,
            gold=at.index(self.gold) if self.gold in at else len(at) - 1,
            plain=tuple(self.plain[each] for each in at),
            free=tuple(self.free[each] for each in at),
            labels=tuple(labels),
            channel=tuple(self.channel[each] for each in at) if self.channel else (),
            none=at.index(self.none) if self.none in at else -1,
            likeness=tuple(self.likeness[each] for each in at) if self.likeness else (),
        )

    def scores(self, by: Calibration) -> tuple[float, ...]:
        """(1 - v) (s(y) - w s0(y)) + v log p(row | y) + u l(y) - b(y), v being the channel's weight
        and u that of the likeness l(y)."""
        nothing = (0.0,) * len(self.plain)
        bias, channel, likeness = by.bias or nothing, self.channel or nothing, self.likeness
        v, u = by.channel_weight if self.channel else 0.0, by.likeness_weight
        each = zip(self.plain, self.free, channel, likeness or nothing, bias, strict=True)
        return tuple(
            round((1 - v) * (s - by.weight * s0) + v * given + u * like - b, 4)
            for s, s0, given, like, b in each
        )

    def choice(self, by: Calibration) -> int:
        scores = self.scores(by)
        return scores.index(max(scores))

    def correct(self, by: Calibration) -> bool:
        return self.choice(by) == self.gold

    def credit(self, by: Calibration) -> float:
        return float(self.correct(by))

    def error(self, by: Calibration, metric: Metric) -> float:
        return 1.0 - self.credit(by)

    def predicted(self, by: Calibration) -> str:
        return self.labels[self.choice(by)]

    def loss(self, by: Calibration, metric: Metric, inverse_temperature: float = 1.0) -> float:
        """The gold label's cross-entropy under softmax(inverse_temperature x scores), in nats."""
        scores = [inverse_temperature * score for score in self.scores(by)]
        peak = max(scores)
        return round(peak + log(fsum(exp(s - peak) for s in scores)) - scores[self.gold], 4)

    def tally(self, by: Calibration) -> Tally:
        choice = self.choice(by)
        right = choice == self.gold
        predicted, positive = choice != self.none, self.gold != self.none
        return int(right and positive), int(predicted and not right), int(positive and not right)

    def confidence(self, by: Probable) -> float | None:
        return max(self._probabilities(by))

    def runner_up(self, by: Probable) -> RunnerUp | None:
        found = self._probabilities(by)
        chosen = self.choice(by)
        others = [at for at in range(len(found)) if at != chosen]
        if not others:
            return None
        second = max(others, key=found.__getitem__)
        return RunnerUp(self.labels[second], found[second])

    def margin(self, by: Probable) -> float | None:
        first, *others = sorted(self._probabilities(by), reverse=True)
        return round(first - others[0], 4) if others else 1.0

    def _probabilities(self, by: Probable) -> list[float]:
        scores = [score / by.temperature for score in self.scores(by)]
        peak = max(scores)
        total = fsum(exp(score - peak) for score in scores)
        return [round(exp(score - peak) / total, 4) for score in scores]


class Written(msgspec.Struct, frozen=True):
    """An answer in the model's words.

    ``text`` is the answer as it was read, ``right`` its credit from 0 to 1, and ``counts`` what it
    adds to an F1. ``nll`` is the right answer's negative log-probability by its ``units``, in nats.
    """

    case: str
    text: str
    right: float
    exact: bool
    counts: Tally
    nll: float

    @property
    def numbers(self) -> tuple[float, ...]:
        return (self.nll,)

    @property
    def positive(self) -> bool:
        hit, _, missed = self.counts
        return hit + missed > 0

    def among(self, labels: Sequence[str]) -> Written:
        return self

    def loss(self, by: Calibration, metric: Metric, inverse_temperature: float = 1.0) -> float:
        return self.nll

    def credit(self, by: Calibration) -> float:
        return self.right

    def correct(self, by: Calibration) -> bool:
        return self.exact

    def error(self, by: Calibration, metric: Metric) -> float:
        if metric == "span_f1":
            return missed_more(self.counts)
        return 1.0 - (float(self.exact) if metric == "accuracy" else self.right)

    def predicted(self, by: Calibration) -> str:
        return self.text

    def tally(self, by: Calibration) -> Tally:
        return self.counts

    def confidence(self, by: Probable) -> float | None:
        return None

    def runner_up(self, by: Probable) -> RunnerUp | None:
        return None

    def margin(self, by: Probable) -> float | None:
        return None


def missed_more(counts: Tally) -> float:
    """What errors cost where an F1 is sought: what is missed costs ``MISS`` times what is wrong."""
    _, wrong, missed = counts
    return (wrong + MISS * missed) / (1 + MISS)
