"""What earlier runs found out about operators, in the form in which a run begins with it."""

from __future__ import annotations

import msgspec


class Experience(msgspec.Struct, frozen=True):
    """What one operator did to one section on this kind of task and model before the run: how often
    it was ``tried``, its mean ``gain`` (penalty a case) and its mean ``cost`` (cost units). It is
    frozen into a run's inputs, since reading it live would break replay."""

    operator: str
    section: str
    tried: int
    gain: float
    cost: float
