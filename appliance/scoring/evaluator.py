"""Prompts on cases: label scores, losses and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import msgspec
import numpy as np

from appliance.layout import Layout
from appliance.prompt import Prompt
from appliance.renderer import Renderer
from appliance.task import Case
from appliance.workbench import Workbench
from models.engine import Score, Scores

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SHARPNESSES = (1.0, 0.5, 0.25)
BLOCK = 96
"""Cases a request of the search holds at most: what a crash can cost."""

SERVED_BLOCK = 128


class Scored(msgspec.Struct, frozen=True):
    """One case under one prompt: s(y) and s0(y) of each label, rounded to 1e-4."""

    case: str
    gold: int
    plain: tuple[float, ...]
    free: tuple[float, ...]

    def scores(self, weight: float) -> tuple[float, ...]:
        """s(y) - w s0(y), rounded so that decisions do not hang on the last bits."""
        pairs = zip(self.plain, self.free, strict=True)
        return tuple(round(s - weight * s0, 4) for s, s0 in pairs)

    def choice(self, weight: float) -> int:
        scores = self.scores(weight)
        return scores.index(max(scores))

    def correct(self, weight: float) -> bool:
        return self.choice(weight) == self.gold

    def loss(self, weight: float, sharpness: float = 1.0) -> float:
        """Cross-entropy of the gold label under the softmax of ``sharpness`` x scores, in nats."""
        scores = sharpness * np.array(self.scores(weight))
        peak = scores.max()
        return round(float(peak + np.log(np.exp(scores - peak).sum()) - scores[self.gold]), 4)


class Evaluator:
    """Renders, asks the workbench and reads the label scores of one task."""

    def __init__(self, bench: Workbench, renderer: Renderer) -> None:
        self.bench = bench
        self.renderer = renderer

    @property
    def spent(self) -> float:
        """Cost units of the run so far."""
        return self.bench.spent

    def score(self, prompt: Prompt, cases: Sequence[Case], role: str = "search") -> list[Scored]:
        """In blocks, each of which shares its prefix."""
        size = BLOCK if role == "search" else SERVED_BLOCK
        result: list[Scored] = []
        for start in range(0, len(cases), size):
            block = cases[start : start + size]
            layout = self.renderer.layout(prompt, block)
            reply = self.bench.score(role, Score(tuple(layout.segments)))
            result += read_scores(layout, reply, block)
        return result


def read_scores(layout: Layout, reply: Scores, block: Sequence[Case]) -> list[Scored]:
    """Sums each answer's log-probabilities (design, "The score")."""
    reading = [index for index, segment in enumerate(layout.segments) if segment.read]
    total = {
        index: round(sum(logprobs), 4)
        for index, logprobs in zip(reading, reply.logprobs, strict=True)
    }
    return [
        Scored(case.id, case.gold, tuple(total[i] for i in plain), tuple(total[i] for i in free))
        for case, plain, free in zip(block, layout.plain, layout.free, strict=True)
    ]


def accuracy(scored: Sequence[Scored], weight: float) -> float:
    return sum(s.correct(weight) for s in scored) / len(scored)


def mean_loss(scored: Sequence[Scored], weight: float) -> float:
    return sum(s.loss(weight) for s in scored) / len(scored)


class Fit(msgspec.Struct, frozen=True):
    """A calibration weight, and how sharp the softmax is under which prompts are compared.

    Sums of log-probabilities are overconfident, the more so the longer the labels: compared at
    sharpness 1 a prompt that decides well but boldly loses to one that hardly decides.
    """

    weight: float
    sharpness: float


def fit(scored: Sequence[Scored], weights: Sequence[float] = WEIGHTS) -> Fit:
    """The weight and sharpness with the lowest mean penalty. Scores of all weights are known, so
    this costs no model call."""
    fits = [Fit(weight, sharpness) for weight in weights for sharpness in SHARPNESSES]
    return min(fits, key=lambda f: (fsum(penalty(s, f) for s in scored), f.weight, -f.sharpness))


def penalty(scored: Scored, fitted: Fit) -> float:
    """What a race counts: the loss, and one more nat for a wrong answer. The loss alone trades
    decisions for confidence, errors alone are too coarse to race on."""
    return scored.loss(fitted.weight, fitted.sharpness) + (not scored.correct(fitted.weight))
