"""Hidden states as bytes, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.engine import States

LARGEST = float(np.finfo(np.float16).max)


def packed(rows: Sequence[NDArray[np.float32]]) -> bytes:
    """The rows as float16, little-endian. What is too large for it becomes its largest number."""
    if not rows:
        return b""
    return np.clip(np.stack(rows), -LARGEST, LARGEST).astype("<f2").tobytes()


def unpacked(states: States) -> NDArray[np.float32]:
    """The states as float32 [places, width]."""
    return np.frombuffer(states.values, "<f2").reshape(-1, states.width).astype(np.float32)


def places(states: States) -> int:
    """How many states there are."""
    return len(states.values) // max(2 * states.width, 1)


def cosines(one: States, other: States) -> list[float]:
    """The cosine between the two states of each place. Raises ValueError where the places or the
    widths differ in number."""
    a, b = unpacked(one), unpacked(other)
    if a.shape != b.shape:
        raise ValueError(f"states of shape {a.shape} and {b.shape}")
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return [float(found) for found in (a * b).sum(1) / np.maximum(lengths, 1e-12)]
