"""How far the best prompt's probabilities can be believed, and what withholding answers gains."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from appliance.calibrate.reliability import (
    Bin,
    coverage_curve,
    ece,
    reliability_bins,
)
from appliance.prompts.prompt import Prompt
from appliance.statistics.proportions import Estimate
from appliance.verdict.report.both import exact, share
from appliance.verdict.verdict import Answer

DRAWS = 4_999
"""Simulated tests that show the calibration error of right probabilities."""


class CalibrationError(msgspec.Struct, frozen=True):
    """The expected calibration error, ``value``.

    If every probability were the chance of being right, tests with the same probabilities would
    show ``expected`` on average, and at most ``upper`` in 19 of 20 cases.
    """

    value: float
    expected: float
    upper: float


class Withheld(msgspec.Struct, frozen=True):
    """Answers less probable than ``threshold`` are withheld. ``coverage`` is the share of answers
    that is given, ``error`` the share of these that is wrong, None where none is given."""

    threshold: float
    coverage: Estimate
    error: Estimate | None


class Reliability(msgspec.Struct, frozen=True):
    """How far the probabilities of ``n`` answers, taken at ``temperature``, can be believed.
    ``ece`` is computed over the ``bins``; ``curve`` holds pairs (coverage, error)."""

    n: int
    temperature: float
    ece: CalibrationError
    bins: tuple[Bin, ...]
    curve: tuple[tuple[float, float], ...]
    withheld: Withheld


def reliability(answers: Sequence[Answer], best: Prompt) -> Reliability | None:
    """Returns None where answers have no probability, as written ones have none."""
    known = [(a.confidence, exact(a, "best")) for a in answers if a.confidence is not None]
    if not known:
        return None
    confidences, correct = [c for c, _ in known], [right for _, right in known]
    given = [right for confidence, right in known if confidence >= best.abstain]
    bins = tuple(reliability_bins(confidences, correct))
    return Reliability(
        n=len(known),
        temperature=best.temperature,
        ece=_error(confidences, correct, bins),
        bins=bins,
        curve=tuple(coverage_curve(confidences, correct)),
        withheld=Withheld(
            threshold=best.abstain,
            coverage=share([confidence >= best.abstain for confidence in confidences]),
            error=share([not right for right in given]) if given else None,
        ),
    )


def _error(
    confidences: Sequence[float], correct: Sequence[bool], bins: Sequence[Bin]
) -> CalibrationError:
    """Computes the error and what chance alone would make of it.

    With few answers the error is above 0 by chance, and higher still in a resample, so a bootstrap
    interval may not contain it. The error under right probabilities is simulated instead, as by
    Bröcker and Smith (Weather and Forecasting 22, 2007): each answer is right with its probability.
    """
    known = np.sort(confidences)
    places = np.searchsorted([b.low for b in bins], known, side="right") - 1
    # Rounded to a thousandth, so that many answers are alike and are drawn together.
    kinds, counts = np.unique(np.stack([places, known.round(3)]), axis=1, return_counts=True)
    chances = kinds[1].clip(0, 1)
    right = np.random.default_rng(0).binomial(counts, chances, (DRAWS, len(counts)))
    inside = kinds[0][:, None] == np.arange(len(bins))
    drawn = abs((right - counts * chances) @ inside).sum(1) / len(known)
    return CalibrationError(
        value=ece(confidences, correct),
        expected=float(drawn.mean()),
        upper=float(np.quantile(drawn, 0.95)),
    )
