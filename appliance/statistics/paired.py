"""The gain of one prompt over another on the same cases, by any metric: its interval and its p."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import floor
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from appliance.statistics.bootstrap import Rows, estimates, within
from appliance.statistics.f1 import (
    LEAST_POSITIVES,
    mean_f1,
    mean_f1_of_draws,
    rests_on,
    slope,
)
from appliance.statistics.metrics import f1
from appliance.statistics.proportions import (
    Estimate,
    apart,
    mcnemar_exact,
    newcombe,
    wilson,
)
from appliance.statistics.randomise import sign_flip, swap

Test = Literal["exact McNemar", "sign flip", "swap"]


class Evidence(msgspec.Struct, frozen=True):
    """The evidence of ``n`` cases for a ``gain`` of the second prompt; ``p`` is two-sided.

    ``wins`` and ``losses`` count the cases that one of the two got right to a higher degree. The
    test weighs cases, or ``clusters`` where there are any; the two results are not the same in
    ``differing`` of them. ``positives`` counts the cases with something to find, on which an F1
    depends, and ``positive_clusters`` the clusters that hold them; both are None for other metrics.
    For a mean over ``labels`` they are the harmonic mean over the labels, rounded down, since the
    rarest label is the least sure.
    """

    gain: float
    p: float
    test: Test
    n: int
    wins: int
    losses: int
    clusters: int
    differing: int
    positives: int | None
    positive_clusters: int | None
    labels: int = 1


class PairedEffect(Evidence, frozen=True, kw_only=True):
    """Evidence with 95 % intervals: those of the two prompts' figures, and [``low``, ``high``] of
    the gain."""

    before: Estimate
    after: Estimate
    low: float
    high: float


def weigh(before: ArrayLike, after: ArrayLike, clusters: Sequence[Hashable] = ()) -> Evidence:
    """Returns the p of a gain and the counts that it rests on, without intervals.

    Results are credits from 0 to 1 [n], whose means are compared, or counts of true positives,
    false positives and false negatives: [n, 3] for micro-F1, [n, labels, 3] for macro-F1, the mean
    over the labels that occur. Cases of one cluster depend on one another and are weighed together.

    The test for counts is ``swap``. For credits of 0 and 1 without clusters it is the exact McNemar
    test, for other credits Fisher's sign-flip test on differences or their sums in clusters.
    Raises ValueError for no cases, or for results that differ in shape.
    """
    old, new = _results(before, after)
    value = mean_f1 if old.ndim > 1 else _mean
    credit = _credit(new) - _credit(old)
    wins, losses = int((credit > 1e-9).sum()), int((credit < -1e-9).sum())
    was, now = within(_rows(old), clusters), within(_rows(new), clusters)
    test: Test
    if old.ndim > 1:
        test, p = "swap", swap(was, now, mean_f1, slope)
    elif _binary(old, new) and not clusters:
        test, p = "exact McNemar", mcnemar_exact(wins, losses)
    else:
        test, p = "sign flip", sign_flip(now[:, 0] - was[:, 0])
    return Evidence(
        gain=float(value(now.sum(0)) - value(was.sum(0))),
        p=p,
        test=test,
        n=len(old),
        wins=wins,
        losses=losses,
        clusters=len(was) if clusters else 0,
        differing=int((was != now).any(1).sum()),
        positives=_positives(_rows(old)) if old.ndim > 1 else None,
        positive_clusters=_positives(was) if old.ndim > 1 and clusters else None,
        labels=old.shape[1] if old.ndim > 2 else 1,
    )


def paired(before: ArrayLike, after: ArrayLike, clusters: Sequence[Hashable] = ()) -> PairedEffect:
    """Does what ``weigh`` does and adds intervals: Wilson's and Newcombe's for credits of 0 and 1
    without clusters, else those of ``estimates``.

    A gain of macro-F1 that rests on few cases of a label has the interval that those of the two
    prompts leave it (``apart``). The gain of a single case or cluster has the interval [-1, 1].
    """
    found = weigh(before, after, clusters)
    old, new = _results(before, after)
    if found.test == "exact McNemar":
        both, right = int(old @ new), int(new.sum())
        sides = [wilson(int(old.sum()), found.n), wilson(right, found.n)]
        neither = found.n - both - found.wins - found.losses
        low, high = newcombe(both, found.wins, found.losses, neither)
    else:
        *sides, gain = _bootstrapped(old, new, clusters)
        low, high = gain.low, gain.high
        if found.labels > 1 and _rests_on_few(old, new, clusters):
            low, high = apart(*sides)
        if gain.value == low == 0:  # All are zeros: a gain that was not seen may go either way.
            low = -high
        if (found.clusters or found.n) == 1:
            low, high = -1.0, 1.0
    return PairedEffect(
        **msgspec.structs.asdict(found), before=sides[0], after=sides[1], low=low, high=high
    )


def _results(before: ArrayLike, after: ArrayLike) -> tuple[Rows, Rows]:
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if old.shape != new.shape or len(old) == 0:
        raise ValueError(f"results of shape {old.shape} against {new.shape}")
    return old, new


def _rows(results: Rows) -> Rows:
    """Returns credits and ones [n, 2], or counts [n, 3 labels]."""
    if results.ndim == 1:
        return np.stack([results, np.ones(len(results))], axis=1)
    return results.reshape(len(results), -1)


def _mean(sums: Rows) -> Rows:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _credit(results: Rows) -> Rows:
    """Returns the credit of each case [n]. For counts it is their F1, and 1 where there is nothing
    to find and nothing was found."""
    if results.ndim == 1:
        return results
    counts = results.reshape(len(results), -1, 3).sum(1)
    return np.where(counts.any(1), f1(counts), 1.0)


def _positives(rows: Rows) -> int:
    """Counts the rows with something to find: the harmonic mean over the labels that occur."""
    counts = rows.reshape(len(rows), -1, 3)
    positives = (counts[..., 0] + counts[..., 2] > 0).sum(0)
    positives = positives[positives > 0]
    return floor(len(positives) / (1 / positives).sum() + 1e-9) if len(positives) else 0


def _binary(old: Rows, new: Rows) -> bool:
    return all(np.isin(each, (0, 1)).all() for each in (old, new))


def _rests_on_few(old: Rows, new: Rows, clusters: Sequence[Hashable]) -> bool:
    """Whether a label has so few positives that draws of pairs say little of a gain: they all have
    what was seen of it, since the label keeps its F1 where it is not drawn."""
    return any(rests_on(within(_rows(each), clusters)) < LEAST_POSITIVES for each in (old, new))


def _bootstrapped(old: Rows, new: Rows, clusters: Sequence[Hashable]) -> list[Estimate]:
    """Returns the estimates of both prompts' figures and of their difference."""
    counted = old.ndim > 1
    old, new = _rows(old), _rows(new)
    width = old.shape[1]
    before, after = (mean_f1_of_draws(each.sum(0)) if counted else _mean for each in (old, new))

    def all_three(sums: Rows) -> Rows:
        was, now = before(sums[..., :width]), after(sums[..., width:])
        return np.stack([was, now, now - was], axis=-1)

    def basis(units: Rows) -> list[int]:
        each = [
            rests_on(half) if counted else len(half)
            for half in (units[:, :width], units[:, width:])
        ]
        return [*each, min(each)]

    return estimates(np.concatenate([old, new], axis=1), all_three, clusters, basis)
