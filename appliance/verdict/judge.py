"""Judging: what paired answers prove, if anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from appliance.kinds import Metric
from appliance.statistics.claims import refusal
from appliance.statistics.clusters import Unit
from appliance.statistics.paired import paired
from appliance.statistics.power import power_paired
from appliance.statistics.proportions import Estimate
from appliance.task import BETWEEN
from appliance.verdict.verdict import (
    ALPHA,
    DISCORDANCE,
    GAIN,
    Answer,
    Side,
    Verdict,
)


def judge(
    answers: Sequence[Answer],
    metric: Metric,
    seed: str,
    best: str,
    model: str,
    body: str,
    *,
    alpha: float = ALPHA,
    unit: Unit = "case",
    clusters: Sequence[str] = (),
) -> Verdict:
    """Returns the verdict on paired answers. It says "better" only where p is below ``alpha``, the
    gain is positive, and the cases are enough to prove one."""
    before, after = results(answers, metric, "seed"), results(answers, metric, "best")
    found = paired(before, after, clusters)
    refused = "" if best == seed else refusal(found, alpha, unit)
    significant = found.p < alpha and not refused
    better, worse = significant and found.gain > 0, significant and found.gain < 0
    power = None
    if found.test == "exact McNemar":
        differing = max((found.wins + found.losses) / found.n, DISCORDANCE)
        power = round(power_paired(found.n, GAIN, differing, alpha), 3)
    return Verdict(
        seed=_side(seed, found.before),
        best=_side(best, found.after),
        metric=metric,
        n=found.n,
        gain=found.gain,
        interval=(found.low, found.high),
        p=found.p,
        test=found.test,
        wins=found.wins,
        losses=found.losses,
        better=better,
        words="better" if better else "worse" if worse else "no proven gain",
        model=model,
        body=body,
        unit=unit,
        clusters=found.clusters,
        alpha=alpha,
        power=power,
        refused=refused,
        scope="for these relations" if unit == "query" else "",
    )


def results(
    answers: Sequence[Answer], metric: Metric, side: Literal["seed", "best"]
) -> NDArray[np.float64]:
    """Returns what the metric is computed from: credits [n], counts (TP, FP, FN) [n, 3], or counts
    by label [n, labels, 3] for macro-F1."""
    if metric in ("accuracy", "token_f1"):
        return np.array([getattr(answer, f"{side}_credit") for answer in answers])
    if metric != "macro_f1":
        return np.array([getattr(answer, f"{side}_tally") for answer in answers], dtype=float)
    pairs = [(_labels(answer.gold), _labels(getattr(answer, side))) for answer in answers]
    texts = (text for answer in answers for text in (answer.gold, answer.seed, answer.best))
    labels = sorted(set().union(*map(_labels, texts)))
    each = [
        [
            (
                y in gold and y in predicted,
                y not in gold and y in predicted,
                y in gold and y not in predicted,
            )
            for y in labels
        ]
        for gold, predicted in pairs
    ]
    return np.array(each, dtype=float)


def _labels(text: str) -> set[str]:
    return set(filter(None, text.split(BETWEEN)))


def _side(prompt: str, found: Estimate) -> Side:
    return Side(prompt, found.value, (found.low, found.high), found.n)
