"""What a yes/no prompt did with one case: the outcomes of its questions together."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log1p

import msgspec

from appliance.kinds import Metric
from appliance.scoring.outcomes import (
    MISS,
    Calibration,
    Probable,
    RunnerUp,
    missed_more,
)
from appliance.task import BETWEEN, MULTIPLE, Tally


class YesNoOutcome(msgspec.Struct, frozen=True):
    """Yes/no questions about ``labels``, of which ``gold`` says which ones hold.

    ``plain`` is s(yes) - s(no) of each in nats, ``free`` the same without content. ``likeness`` is
    how like the query is to each label's support, where that is read. ``none`` is said
    where nothing is a yes; a case that is not ``several`` has one label at most. ``allowed`` is
    false where the entities' types rule a label out: the answer is then no whatever its margin is,
    so nothing is fitted to it.
    """

    case: str
    labels: tuple[str, ...]
    gold: tuple[bool, ...]
    plain: tuple[float, ...]
    free: tuple[float, ...]
    allowed: tuple[bool, ...]
    none: str
    several: bool = False
    likeness: tuple[float, ...] = ()

    @property
    def numbers(self) -> tuple[float, ...]:
        return self.plain

    @property
    def positive(self) -> bool:
        return any(self.gold)

    def among(self, labels: Sequence[str]) -> YesNoOutcome:
        at = [self.labels.index(label) for label in labels]
        return msgspec.structs.replace(
            self,
            labels=tuple(labels),
            gold=tuple(self.gold[each] for each in at),
            plain=tuple(self.plain[each] for each in at),
            free=tuple(self.free[each] for each in at),
            allowed=tuple(self.allowed[each] for each in at),
            likeness=tuple(self.likeness[each] for each in at) if self.likeness else (),
        )

    def margins(self, by: Calibration) -> tuple[float, ...]:
        """The calibrated margin of yes over no for each label, in nats above the threshold."""
        nothing = (0.0,) * len(self.plain)
        u = by.likeness_weight
        each = zip(self.plain, self.free, self.likeness or nothing, by.bias or nothing, strict=True)
        return tuple(
            round(s - by.weight * s0 + u * like - b - by.threshold, 4) for s, s0, like, b in each
        )

    def open(self, by: Calibration) -> list[tuple[float, bool]]:
        """The margin of each label that types allow, and whether it holds."""
        each = zip(self.margins(by), self.gold, self.allowed, strict=True)
        return [(margin, gold) for margin, gold, allowed in each if allowed]

    def yes(self, by: Calibration) -> list[str]:
        """The labels that are answered with yes; a tie is a yes."""
        each = zip(self.labels, self.margins(by), self.allowed, strict=True)
        return [label for label, margin, allowed in each if allowed and margin >= 0]

    def predicted(self, by: Calibration, *, first: bool = False) -> str:
        """What is answered. Where only one label can hold, several yes are ``MULTIPLE``, which is
        wrong, unless the ``first`` is taken."""
        yes = self.yes(by)
        if self.several:
            return _listed(yes, self.none)
        if len(yes) > 1 and not first:
            return MULTIPLE
        return yes[0] if yes else self.none

    def correct(self, by: Calibration) -> bool:
        golds = [y for y, gold in zip(self.labels, self.gold, strict=True) if gold]
        return self.predicted(by) == _listed(golds, self.none)

    def credit(self, by: Calibration) -> float:
        return float(self.correct(by))

    def tally(self, by: Calibration) -> Tally:
        yes = set(self.yes(by))
        golds = {y for y, gold in zip(self.labels, self.gold, strict=True) if gold}
        if not self.several and len(yes) > 1:
            return 0, 1, len(golds)  # counted as one guess, which is wrong
        return len(yes & golds), len(yes - golds), len(golds - yes)

    def confidence(self, by: Probable) -> float | None:
        """The probability of all answers together, which are taken as independent."""
        doubt = 0.0
        for margin, _ in self.open(by):
            odds = (margin - by.intercept) / by.temperature
            doubt += softplus(-odds if margin >= 0 else odds)
        return round(exp(-doubt), 4)

    def runner_up(self, by: Probable) -> RunnerUp | None:
        """The likeliest label that was not answered, with the probability of its own yes."""
        chosen = self.yes(by) if self.predicted(by) != MULTIPLE else []
        yes = self._probabilities(by)
        others = [label for label in yes if label not in chosen]
        if not others:
            return None
        second = max(others, key=yes.__getitem__)
        return RunnerUp(second, round(yes[second], 4))

    def margin(self, by: Probable) -> float | None:
        yes = self._probabilities(by).values()
        return round(min((abs(2 * each - 1) for each in yes), default=1.0), 4)

    def _probabilities(self, by: Probable) -> dict[str, float]:
        """The probability of a yes to each label that types allow."""
        each = zip(self.labels, self.margins(by), self.allowed, strict=True)
        return {
            label: 1 / (1 + exp(min((by.intercept - margin) / by.temperature, 700.0)))
            for label, margin, allowed in each
            if allowed
        }

    def error(self, by: Calibration, metric: Metric) -> float:
        if metric == "accuracy":
            return 1.0 - self.credit(by)
        return missed_more(self.tally(by))

    def loss(self, by: Calibration, metric: Metric, inverse_temperature: float = 1.0) -> float:
        """The mean cross-entropy of the answers in nats, each weighed by ``class_weight``; 0 where
        types rule all labels out."""
        total = weights = 0.0
        for margin, gold in self.open(by):
            weight = class_weight(gold, metric)
            total += weight * softplus(
                -inverse_temperature * margin if gold else inverse_temperature * margin
            )
            weights += weight
        return round(total / weights, 4) if weights else 0.0


def class_weight(positive: bool, metric: Metric) -> float:
    """How much a yes/no answer weighs among those of its case: an answer that should be yes weighs
    ``MISS`` times as much, but where accuracy is sought all weigh the same."""
    return MISS if positive and metric != "accuracy" else 1.0


def softplus(x: float) -> float:
    """log(1 + e^x), without overflow."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


def _listed(labels: Sequence[str], none: str) -> str:
    return BETWEEN.join(labels) if labels else none
