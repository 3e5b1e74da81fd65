"""What is told of a prompt that is read as the best one is."""

from __future__ import annotations

import msgspec


class Alike(msgspec.Struct, frozen=True):
    """A prompt that is read alike has the share ``value`` of ``n`` selection rows right, and the
    best prompt ``gain`` more, with its paired 95 % interval. Both are read by maps, or by a
    likeness, that were fitted to tuning rows."""

    name: str
    value: float
    gain: float
    interval: tuple[float, float]
    n: int
