"""Prompts on cases: label scores, losses and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from appliance.layout import Layout
from appliance.prompt import Prompt
from appliance.renderer import Renderer
from appliance.task import Case
from appliance.workbench import Workbench
from models.engine import Score, Scores, digest

BLOCK = 96
"""Cases a request of the search holds at most: what a crash can cost."""

SERVED_BLOCK = 128


class Calibration(Protocol):
    """How label scores are corrected: a prompt says so, and so does a fit. ``prior`` is empty or
    holds a number for each label."""

    @property
    def weight(self) -> float: ...
    @property
    def prior(self) -> tuple[float, ...]: ...


class Scored(msgspec.Struct, frozen=True):
    """One case under one prompt: s(y) and s0(y) of each label, rounded to 1e-4."""

    case: str
    gold: int
    plain: tuple[float, ...]
    free: tuple[float, ...]

    def scores(self, by: Calibration) -> tuple[float, ...]:
        """s(y) - w s0(y) - b(y), rounded so that decisions do not hang on the last bits."""
        prior = by.prior or (0.0,) * len(self.plain)
        each = zip(self.plain, self.free, prior, strict=True)
        return tuple(round(s - by.weight * s0 - b, 4) for s, s0, b in each)

    def choice(self, by: Calibration) -> int:
        scores = self.scores(by)
        return scores.index(max(scores))

    def correct(self, by: Calibration) -> bool:
        return self.choice(by) == self.gold

    def loss(self, by: Calibration, sharpness: float = 1.0) -> float:
        """Cross-entropy of the gold label under the softmax of ``sharpness`` x scores, in nats."""
        scores = sharpness * np.array(self.scores(by))
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

    def asked(self, prompt: Prompt, cases: Sequence[Case]) -> str:
        """What scoring the cases asks of the model, as a hash: prompts that agree in it differ in
        nothing that the model sees."""
        return digest(Score(tuple(self.renderer.layout(prompt, cases).segments)))

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


def accuracy(scored: Sequence[Scored], by: Calibration) -> float:
    return sum(s.correct(by) for s in scored) / len(scored)


def mean_loss(scored: Sequence[Scored], by: Calibration) -> float:
    return sum(s.loss(by) for s in scored) / len(scored)
