"""What prompts are compared by, and the weights by which the cases seen stand for all cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp, log

import msgspec

from appliance.kinds import Metric
from appliance.scoring.outcomes import Outcome, Scored
from appliance.task import Case, shared_options


class Objective(msgspec.Struct, frozen=True):
    """What candidates are compared by: the task's ``metric``, and facts of all tuning cases.

    ``shares`` holds the logarithms of the labels' shares (``log_shares``); it is empty where cases
    have labels of their own. ``none`` is the index of none of the above there, or -1.
    ``positive_share`` is the share of positive cases, which have something to find; it is None
    where the first cases have the same share as all.
    """

    metric: Metric = "accuracy"
    shares: tuple[float, ...] = ()
    positive_share: float | None = None
    none: int = -1

    @property
    def asked_shares(self) -> tuple[float, ...]:
        """The shares of the labels that yes/no prompts ask about: not of none of the above."""
        return tuple(share for at, share in enumerate(self.shares) if at != self.none)

    def weights(self, outcomes: Sequence[Outcome]) -> list[float]:
        """Returns the weight of each case, which is 1 as a rule.

        For macro-F1 the weights make all labels equally frequent. Where positive cases were moved
        up, each case weighs the share of its kind among all cases over its share among those seen
        (importance weights: Horvitz and Thompson, JASA 47, 1952), so that a threshold suits rows as
        they come.
        """
        if self.metric == "macro_f1" and self.shares:
            counts = [exp(-share) / len(self.shares) for share in self.shares]
            return [counts[o.gold] if isinstance(o, Scored) else 1.0 for o in outcomes]
        seen = sum(outcome.positive for outcome in outcomes) / max(len(outcomes), 1)
        if self.positive_share is None or seen in (0.0, 1.0):
            return [1.0] * len(outcomes)
        found, rest = self.positive_share / seen, (1 - self.positive_share) / (1 - seen)
        return [found if outcome.positive else rest for outcome in outcomes]


def log_shares(cases: Sequence[Case]) -> tuple[float, ...]:
    """Returns the log of each option's share of the cases. One more case of each option is counted,
    so that no share is 0. It is empty where cases differ in their options."""
    options = shared_options(cases)
    if not options:
        return ()
    if any(case.query.labels for case in cases):
        counts = Counter(label for case in cases for label in case.query.labels)
        return tuple(log((counts[y] + 1) / (len(cases) + 2)) for y in options)
    golds = Counter(options[case.gold] for case in cases)
    total = len(cases) + len(options)
    return tuple(log((golds[y] + 1) / total) for y in options)
