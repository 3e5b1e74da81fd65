"""The linear map that reads a label off a model's hidden state."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from functools import lru_cache
from math import exp, fsum, isfinite, log
from operator import mul

import msgspec

from appliance.errors import PromptError


class LinearMap(msgspec.Struct, frozen=True):
    """Scores W x + b of the labels, in the task's order, for a final hidden state x.

    ``values`` are float32, little-endian: for each label its row of W (``width`` numbers) and its
    offset. ``model`` is the SHA-256 of the GGUF file whose states it was fitted to; those of
    another file are other numbers. The label of the number ``none``, if any, is none of the above:
    its row gives log odds against all others together. Raises PromptError for values that make no
    such map.
    """

    model: str
    width: int
    values: bytes
    none: int = -1

    def __post_init__(self) -> None:
        row = 4 * (self.width + 1)
        if self.width < 1 or not self.values or len(self.values) % row:
            raise PromptError(
                f"{len(self.values)} bytes are no map of states of {self.width} numbers"
            )
        if not all(map(isfinite, _floats(self.values))):
            raise PromptError("a number of the map of hidden states is not finite")
        if self.none >= 0 and not self.none < self.labels > 1:
            raise PromptError(
                f"a map to {self.labels} labels has no other beside none of the above"
            )

    @property
    def labels(self) -> int:
        """How many labels it scores."""
        return len(self.values) // (4 * (self.width + 1))

    def scores(self, state: bytes) -> tuple[float, ...]:
        """The labels' scores for a state, float16 [width], rounded to 1e-4.

        It needs no numpy, so a device can do without. Raises ValueError for a state of another
        width.
        """
        if len(state) != 2 * self.width:
            raise ValueError(f"a state of {len(state) // 2} numbers, for a map of {self.width}")
        x = struct.unpack(f"<{self.width}e", state)
        plain = [fsum(map(mul, w, x)) + b for w, b in _rows(self.values, self.width)]
        if self.none >= 0:
            others = [score for at, score in enumerate(plain) if at != self.none]
            peak = max(others)
            plain[self.none] += peak + log(fsum(exp(score - peak) for score in others))
        return tuple(round(score, 4) for score in plain)


@lru_cache(maxsize=8)
def _rows(values: bytes, width: int) -> Sequence[tuple[Sequence[float], float]]:
    numbers = _floats(values)
    starts = range(0, len(numbers), width + 1)
    return [(numbers[at : at + width], numbers[at + width]) for at in starts]


def _floats(values: bytes) -> array[float]:
    numbers = array("f")
    numbers.frombytes(values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
