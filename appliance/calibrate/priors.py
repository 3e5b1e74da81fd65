"""How likely the labels of a row are before its state is read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from appliance.calibrate.objective import Objective
from appliance.calibrate.shrinkage import Labels, Rows


class Priors(NamedTuple):
    """How many ``labels`` there are, and their ``shares``; where these are empty, they have the
    shares of the rows that are fitted to. ``none`` is the number of none of the above, or -1; the
    labels beside it are numbered anew, and a row that has none of them has -1."""

    labels: int
    none: int
    shares: Rows

    def named(self, gold: Labels) -> Labels:
        """The rows' labels numbered anew."""
        if self.none < 0:
            return gold
        return np.where(gold == self.none, -1, gold - (gold > self.none))

    def log_shares(self, named: Labels) -> Rows:
        """The logarithms of the shares of the labels beside none of the above, up to a constant, by
        the rows with such labels."""
        if len(self.shares):
            return np.log(np.delete(self.shares, self.none) if self.none >= 0 else self.shares)
        counts = np.bincount(named, minlength=self.labels - (self.none >= 0)) + 1
        return np.asarray(np.log(counts / counts.sum()))

    def shift(self, named: Labels) -> float:
        """What has to be added to the log odds of none of the above among the rows, so that they
        suit its share. Where no row has it, it becomes less likely than any label."""
        n, found = len(named), int((named < 0).sum())
        if found == 0:
            return -float(np.log(self.labels))
        if found == n or not len(self.shares):
            return 0.0
        share = self.shares[self.none]
        here = (found + 1) / (n - found + self.labels - 1)
        return float(np.log(share / (1 - share) / here))


def priors(labels: int, none: int, objective: Objective) -> Priors:
    """The shares that the objective has of all tuning cases, since the first cases may have others;
    equal shares for macro-F1, in which all labels weigh the same."""
    if objective.metric == "macro_f1":
        return Priors(labels, none, np.full(labels, 1 / labels))
    known = objective.shares if len(objective.shares) == labels else ()
    return Priors(labels, none, np.exp(known))
