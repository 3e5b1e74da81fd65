"""What a prompt did with one case, in the three forms that a prompt can have.

Each says how far it was right (``credit``, from 0 to 1), what it answered, how it counts for an F1,
and what a race compares (``loss``, in nats). Scores are rounded to 1e-4 before anything reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log, log1p
from typing import Protocol

import msgspec

from appliance.task import MULTIPLE, Metric, Tally

MISS = 4.0
"""How much more a missed label weighs than a wrong one: F1 is maximal where costs are as (2 - F) to
F (Parambath, Usunier and Grandvalet, NeurIPS 2014), here at F = 0.4."""


class Calibration(Protocol):
    """How scores are corrected: a prompt says so, and so does a fit. ``prior`` is empty or holds a
    number for each label."""

    @property
    def weight(self) -> float: ...
    @property
    def prior(self) -> tuple[float, ...]: ...
    @property
    def share(self) -> float: ...
    @property
    def threshold(self) -> float: ...


class Probable(Calibration, Protocol):
    """A calibration that makes probabilities, as a settled prompt."""

    @property
    def temperature(self) -> float: ...
    @property
    def even(self) -> float: ...


class Outcome(Protocol):
    @property
    def case(self) -> str: ...
    @property
    def numbers(self) -> tuple[float, ...]:
        """What the model itself said, before any calibration."""
        ...

    @property
    def due(self) -> bool:
        """Whether there is something to find: a label that is not none of the above."""
        ...

    def loss(self, by: Calibration, metric: Metric, sharpness: float = 1.0) -> float: ...
    def credit(self, by: Calibration) -> float: ...
    def correct(self, by: Calibration) -> bool: ...
    def said(self, by: Calibration) -> str: ...
    def tally(self, by: Calibration) -> Tally: ...
    def cost(self, by: Calibration, metric: Metric) -> float:
        """What a race adds to the loss for being wrong by the task's metric: 1 for what is wholly
        so."""
        ...

    def confidence(self, by: Probable) -> float | None:
        """The probability of what was answered; None where it is not known."""
        ...


class Scored(msgspec.Struct, frozen=True):
    """A choice among options: s(y), s0(y) and, where there is a channel, log p(row | y) of each.

    ``none`` is the index of none of the above, -1 where there is none.
    """

    case: str
    gold: int
    plain: tuple[float, ...]
    free: tuple[float, ...]
    labels: tuple[str, ...] = ()
    channel: tuple[float, ...] = ()
    none: int = -1

    @property
    def numbers(self) -> tuple[float, ...]:
        return self.plain

    @property
    def due(self) -> bool:
        return self.gold != self.none

    def scores(self, by: Calibration) -> tuple[float, ...]:
        """(1 - v) (s(y) - w s0(y)) + v log p(row | y) - b(y), v being the channel's share."""
        nothing = (0.0,) * len(self.plain)
        prior, channel = by.prior or nothing, self.channel or nothing
        v = by.share if self.channel else 0.0
        each = zip(self.plain, self.free, channel, prior, strict=True)
        return tuple(
            round((1 - v) * (s - by.weight * s0) + v * given - b, 4) for s, s0, given, b in each
        )

    def choice(self, by: Calibration) -> int:
        scores = self.scores(by)
        return scores.index(max(scores))

    def correct(self, by: Calibration) -> bool:
        return self.choice(by) == self.gold

    def credit(self, by: Calibration) -> float:
        return float(self.correct(by))

    def cost(self, by: Calibration, metric: Metric) -> float:
        return 1.0 - self.credit(by)

    def said(self, by: Calibration) -> str:
        return self.labels[self.choice(by)]

    def loss(self, by: Calibration, metric: Metric, sharpness: float = 1.0) -> float:
        """Cross-entropy of the gold label under the softmax of ``sharpness`` x scores, in nats."""
        scores = [sharpness * score for score in self.scores(by)]
        peak = max(scores)
        return round(peak + log(fsum(exp(s - peak) for s in scores)) - scores[self.gold], 4)

    def tally(self, by: Calibration) -> Tally:
        choice = self.choice(by)
        right = choice == self.gold
        said, due = choice != self.none, self.gold != self.none
        return int(right and due), int(said and not right), int(due and not right)

    def confidence(self, by: Probable) -> float | None:
        scores = [score / by.temperature for score in self.scores(by)]
        peak = max(scores)
        return round(1 / fsum(exp(score - peak) for score in scores), 4)


class Judged(msgspec.Struct, frozen=True):
    """Yes/no questions about ``labels``: ``plain`` is s(yes) - s(no) of each, ``free`` the same
    without content. ``none`` is said where nothing is a yes; a case that is not ``several`` has one
    label at most. ``allowed`` is false where the entities' types rule a label out: that is a no
    whatever its margin is, so nothing is fitted to it."""

    case: str
    labels: tuple[str, ...]
    gold: tuple[bool, ...]
    plain: tuple[float, ...]
    free: tuple[float, ...]
    allowed: tuple[bool, ...]
    none: str
    several: bool = False

    @property
    def numbers(self) -> tuple[float, ...]:
        return self.plain

    @property
    def due(self) -> bool:
        return any(self.gold)

    def margins(self, by: Calibration) -> tuple[float, ...]:
        """Of yes over no, the threshold taken away."""
        prior = by.prior or (0.0,) * len(self.plain)
        each = zip(self.plain, self.free, prior, strict=True)
        return tuple(round(s - by.weight * s0 - b - by.threshold, 4) for s, s0, b in each)

    def open(self, by: Calibration) -> list[tuple[float, bool]]:
        """Of each label that is allowed its margin, and whether it is right."""
        each = zip(self.margins(by), self.gold, self.allowed, strict=True)
        return [(margin, gold) for margin, gold, allowed in each if allowed]

    def yes(self, by: Calibration) -> list[str]:
        """A tie is a yes."""
        each = zip(self.labels, self.margins(by), self.allowed, strict=True)
        return [label for label, margin, allowed in each if allowed and margin >= 0]

    def said(self, by: Calibration, *, first: bool = False) -> str:
        """Several yes are ``MULTIPLE``, and wrong, unless the ``first`` is taken."""
        yes = self.yes(by)
        if self.several:
            return _listed(yes, self.none)
        if len(yes) > 1 and not first:
            return MULTIPLE
        return yes[0] if yes else self.none

    def correct(self, by: Calibration) -> bool:
        golds = [y for y, gold in zip(self.labels, self.gold, strict=True) if gold]
        return self.said(by) == _listed(golds, self.none)

    def credit(self, by: Calibration) -> float:
        return float(self.correct(by))

    def tally(self, by: Calibration) -> Tally:
        yes = set(self.yes(by))
        golds = {y for y, gold in zip(self.labels, self.gold, strict=True) if gold}
        if not self.several and len(yes) > 1:
            return 0, 1, len(golds)  # counted as one guess, which is wrong
        return len(yes & golds), len(yes - golds), len(golds - yes)

    def confidence(self, by: Probable) -> float | None:
        """Of all answers together, taken as independent."""
        doubt = 0.0
        for margin, _ in self.open(by):
            odds = (margin - by.even) / by.temperature
            doubt += softplus(-odds if margin >= 0 else odds)
        return round(exp(-doubt), 4)

    def cost(self, by: Calibration, metric: Metric) -> float:
        if metric == "accuracy":
            return 1.0 - self.credit(by)
        _, wrong, missed = self.tally(by)
        return (wrong + MISS * missed) / (1 + MISS)

    def loss(self, by: Calibration, metric: Metric, sharpness: float = 1.0) -> float:
        """Mean cross-entropy of the answers in nats, each by its ``stake``; 0 where all are ruled
        out."""
        total = stakes = 0.0
        for margin, gold in self.open(by):
            at_stake = stake(gold, metric)
            total += at_stake * softplus(-sharpness * margin if gold else sharpness * margin)
            stakes += at_stake
        return round(total / stakes, 4) if stakes else 0.0


class Written(msgspec.Struct, frozen=True):
    """An answer in the model's words: ``text`` as it was read, how far it is ``right``, its
    ``counts``, and ``nll``, the right answer's negative log-probability by its ``units``."""

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
    def due(self) -> bool:
        hit, _, missed = self.counts
        return hit + missed > 0

    def loss(self, by: Calibration, metric: Metric, sharpness: float = 1.0) -> float:
        return self.nll

    def credit(self, by: Calibration) -> float:
        return self.right

    def correct(self, by: Calibration) -> bool:
        return self.exact

    def cost(self, by: Calibration, metric: Metric) -> float:
        return 1.0 - (float(self.exact) if metric == "accuracy" else self.right)

    def said(self, by: Calibration) -> str:
        return self.text

    def tally(self, by: Calibration) -> Tally:
        return self.counts

    def confidence(self, by: Probable) -> float | None:
        return None


def stake(due: bool, metric: Metric) -> float:
    """How much a yes/no answer weighs among those of its case: one that should be a yes ``MISS``
    times, but for accuracy, where all errors are equal."""
    return MISS if due and metric != "accuracy" else 1.0


def softplus(x: float) -> float:
    """log(1 + e^x), without overflow."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


def _listed(labels: Sequence[str], none: str) -> str:
    return " | ".join(labels) if labels else none
