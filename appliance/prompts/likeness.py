"""How like a row is to the rows that stand for a label, by a model's hidden states."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from math import fsum, hypot, isfinite
from operator import mul

import msgspec

from appliance.errors import PromptError


class Likeness(msgspec.Struct, frozen=True):
    """Makes vectors of hidden states. The scalar product of two is the likeness of their rows, from
    -1 to 1, which adds to a label's score with the ``weight`` (nats).

    A row is read alone, under ``head`` and ``example``, up to where its label would stand. The
    vector of its final state x there is A (x - c), scaled to the length 1. ``values`` are float16,
    little-endian: c [width], then A [axes, width]. ``model`` is the SHA-256 of the GGUF file whose
    states they were fitted to; those of another file are other numbers. Raises PromptError for
    values that make no vectors.
    """

    model: str
    width: int
    values: bytes
    example: str
    head: str = ""
    weight: float = 0.0

    def __post_init__(self) -> None:
        size = 2 * self.width
        if self.width < 1 or len(self.values) < 2 * size or len(self.values) % size:
            raise PromptError(
                f"{len(self.values)} bytes make no vectors of states of {self.width} numbers"
            )
        if not all(map(isfinite, (number for row in self._parts for number in row))):
            raise PromptError("a number of the likeness of hidden states is not finite")
        if not (isfinite(self.weight) and self.weight >= 0):
            raise PromptError(f"the weight {self.weight} of a likeness is not 0 or more")

    def vector(self, state: bytes) -> tuple[float, ...]:
        """The vector [axes] of a state, float16 [width]. It needs no numpy, so a device can do
        without. Raises ValueError for a state of another width."""
        if len(state) != 2 * self.width:
            raise ValueError(f"a state of {len(state) // 2} numbers, where {self.width} are read")
        centre, *axes = self._parts
        x = [a - c for a, c in zip(struct.unpack(f"<{self.width}e", state), centre, strict=True)]
        found = [fsum(map(mul, axis, x)) for axis in axes]
        length = hypot(*found) or 1.0
        return tuple(a / length for a in found)

    @property
    def _parts(self) -> Sequence[Sequence[float]]:
        return _rows(self.values, self.width)


@lru_cache(maxsize=4)
def _rows(values: bytes, width: int) -> Sequence[Sequence[float]]:
    return [*struct.iter_unpack(f"<{width}e", values)]
