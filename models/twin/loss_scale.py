"""A factor on the loss, so that float16 holds its gradients (Micikevicius et al., 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

START = 2.0**10
LEAST, MOST = 2.0**-14, 2.0**24
STEP_DOWN = 2.0**-4
SMALL = 2.0**-8
"""Where the largest gradient is below this, float16 has fewer than 16 binary places below it."""


class LossScale:
    """Adapts the factor to the gradients of one request; it is always 1 in a type with float32's
    range."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._fixed = dtype != torch.float16
        self._lowered = False
        self.factor = 1.0 if self._fixed else START

    def suits(self, gradients: Sequence[torch.Tensor]) -> bool:
        """Whether scaled gradients can be used; if not, they must be computed again with the new
        factor. A factor that was lowered for an overflow is not raised again."""
        if self._fixed:
            return True
        peak = float(torch.stack([gradient.abs().max() for gradient in gradients]).max())
        if not math.isfinite(peak):
            self._lowered = True
            return self._moves(self.factor * STEP_DOWN)
        if peak < SMALL and not self._lowered:
            return self._moves(self.factor * 2.0 ** (round(-math.log2(peak)) if peak else 8))
        return True

    def _moves(self, factor: float) -> bool:
        before, self.factor = self.factor, min(max(factor, LEAST), MOST)
        return self.factor == before
