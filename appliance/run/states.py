"""The statuses of a run: who works on it, and what a person may ask of it in each."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["queued", "running", "paused", "stopped", "failed", "finished"]
Control = Literal["pause", "stop", "finish", "resume"]


class State(msgspec.Struct, frozen=True):
    """A runner takes up runs that are ``at_work``. Any other status is final for whoever follows
    the run: it stays until somebody gives a command. ``allows`` are the controls that make sense.
    """

    at_work: bool
    allows: tuple[Control, ...] = ()


STATES: dict[str, State] = {
    "queued": State(at_work=True, allows=("pause", "stop", "finish")),
    "running": State(at_work=True, allows=("pause", "stop", "finish")),
    "paused": State(at_work=False, allows=("stop", "finish", "resume")),
    "stopped": State(at_work=False, allows=("finish", "resume")),
    "failed": State(at_work=False, allows=("resume",)),
    "finished": State(at_work=False),
}
AT_WORK = tuple(status for status, state in STATES.items() if state.at_work)

RESTING: dict[str, Status] = {"pause": "paused", "stop": "stopped"}
"""The status that a control brings a run to; the other controls queue it."""

JOURNALLED: tuple[Control, ...] = ("pause", "stop", "finish")
"""Controls that change the path of a run, so its journal has them."""


def is_final(status: str) -> bool:
    return not STATES[status].at_work


def allows(status: str, control: str) -> bool:
    return control in STATES[status].allows
