"""How far the best prompt's probabilities can be believed, and what withholding answers buys."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from appliance.prompt import Prompt
from appliance.report.both import exact, share
from appliance.scoring.bootstrap import Rows, estimates
from appliance.scoring.reliability import Bin, coverage_curve, ece, reliability_bins
from appliance.scoring.statistics import Estimate
from appliance.verdict import Answer


class Withheld(msgspec.Struct, frozen=True):
    """Where answers less probable than ``threshold`` are withheld: the share of answers that is
    given, and the share of these that is wrong, if any is given."""

    threshold: float
    coverage: Estimate
    error: Estimate | None


class Reliability(msgspec.Struct, frozen=True):
    """Of the ``n`` answers with a probability, which is taken at ``temperature``. ``ece`` is the
    expected calibration error over the ``bins``; ``curve`` has (coverage, error)."""

    n: int
    temperature: float
    ece: Estimate
    bins: tuple[Bin, ...]
    curve: tuple[tuple[float, float], ...]
    withheld: Withheld


def reliability(answers: Sequence[Answer], best: Prompt) -> Reliability | None:
    """None where answers have no probability, as written ones."""
    known = [(a.confidence, exact(a, "best")) for a in answers if a.confidence is not None]
    if not known:
        return None
    confidences, correct = [c for c, _ in known], [right for _, right in known]
    given = [right for confidence, right in known if confidence >= best.abstain]
    bins = tuple(reliability_bins(confidences, correct))
    return Reliability(
        n=len(known),
        temperature=best.temperature,
        ece=_ece(confidences, correct, bins),
        bins=bins,
        curve=tuple(coverage_curve(confidences, correct)),
        withheld=Withheld(
            threshold=best.abstain,
            coverage=share([confidence >= best.abstain for confidence in confidences]),
            error=share([not right for right in given]) if given else None,
        ),
    )


def _ece(confidences: Sequence[float], correct: Sequence[bool], bins: Sequence[Bin]) -> Estimate:
    """With a bootstrap interval, the bins held fast."""
    places = np.searchsorted([b.low for b in bins], confidences, side="right") - 1
    rows = np.zeros((len(confidences), len(bins) + 1))
    # To a thousandth, so that many answers count alike and few different ones are drawn.
    rows[np.arange(len(rows)), places] = (np.array(confidences) - np.array(correct)).round(3)
    rows[:, -1] = 1

    def error(sums: Rows) -> Rows:
        return np.asarray(abs(sums[..., :-1]).sum(-1, keepdims=True) / sums[..., -1:])

    found = estimates(rows, error)[0]
    return msgspec.structs.replace(found, value=ece(confidences, correct))
