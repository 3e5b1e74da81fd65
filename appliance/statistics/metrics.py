"""A task's metric over the outcomes of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.kinds import Metric
from appliance.scoring.outcomes import Calibration, Outcome
from appliance.task import Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from appliance.statistics.proportions import Estimate

    Sums = NDArray[np.float64]

NAMES: dict[Metric, str] = {
    "accuracy": "accuracy",
    "micro_f1": "micro-F1",
    "macro_f1": "macro-F1",
    "span_f1": "span F1",
    "token_f1": "token F1",
}
"""The names by which metrics are shown."""

COUNTED: tuple[Metric, ...] = ("micro_f1", "span_f1")
"""The metrics that are an F1 of counts summed over cases."""

RESAMPLES = 500
"""The number of draws for an interval; a search has thousands of candidates with one each."""


def searched_by(metric: Metric) -> Metric:
    """Returns the metric by which candidates are measured: accuracy for macro-F1, which is no sum
    over cases, else the metric itself."""
    return "accuracy" if metric == "macro_f1" else metric


def estimate(outcomes: Sequence[Outcome], by: Calibration, metric: Metric) -> Estimate:
    """Returns the metric of a prompt's outcomes, from 0 to 1, with a 95 % interval."""
    return summarise([(o.correct(by), o.credit(by), o.tally(by)) for o in outcomes], metric)


def summarise(each: Sequence[tuple[bool, float, Tally]], metric: Metric) -> Estimate:
    """Returns the metric of cases, each given by whether it is wholly right, its credit and its
    counts; for macro-F1 that of ``searched_by``.

    The interval is Wilson's for accuracy, else a percentile bootstrap over cases. Where all draws
    are 0, or all are 1, it is Wilson's over the cases with any count.
    """
    import numpy as np

    from appliance.statistics.proportions import Estimate, wilson

    n = len(each)
    if searched_by(metric) == "accuracy":
        return wilson(sum(exact for exact, _, _ in each), n)
    counted = metric in COUNTED
    rows = [tally if counted else (credit,) for _, credit, tally in each]
    values = np.array(rows, dtype=np.float64)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn, sums = weights @ values, values.sum(0)
    low, high = np.quantile(f1(drawn) if counted else drawn[:, 0] / n, [0.025, 0.975])
    value = float(f1(sums) if counted else sums[0] / n)
    if low == high and value in (0.0, 1.0):
        counting = int(values.any(1).sum()) if counted else n
        bounds = wilson(int(value) * counting, counting) if counting else Estimate(0, 0, 1, 0)
        low, high = bounds.low, bounds.high
    return Estimate(value, float(low), float(high), n)


def f1(sums: Sums) -> Sums:
    """Returns 2 TP / (2 TP + FP + FN) of [..., (TP, FP, FN)]; 0 where all three are 0."""
    import numpy as np

    hits = 2 * sums[..., 0]
    return np.asarray(hits / np.maximum(hits + sums[..., 1] + sums[..., 2], 1e-12))


def mean_loss(outcomes: Sequence[Outcome], by: Calibration, metric: Metric) -> float:
    """The mean loss of the outcomes, in nats."""
    return sum(outcome.loss(by, metric) for outcome in outcomes) / len(outcomes)
