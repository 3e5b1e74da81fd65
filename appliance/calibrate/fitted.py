"""What is fitted to a prompt's scores."""

from __future__ import annotations

import msgspec

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The weights of the content-free branch that are tried."""

LIKENESS_WEIGHTS = (0.0, 4.0, 8.0, 16.0, 32.0)
"""The weights of the likeness that are tried, in nats for a likeness of 1."""


class Fit(msgspec.Struct, frozen=True):
    """A calibration, and the inverse temperature of the softmax under which prompts are compared.

    Sums of log-probabilities are overconfident, more so for longer labels. If all prompts were
    compared at inverse temperature 1, one that decides well but is overconfident would lose to one
    that hardly decides.
    """

    weight: float
    bias: tuple[float, ...] = ()
    inverse_temperature: float = 1.0
    channel_weight: float = 0.0
    threshold: float = 0.0
    likeness_weight: float = 0.0
