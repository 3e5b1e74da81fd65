"""What happens in a run, as the runner tells it to whoever follows.

The store has each event as JSON, beside a word for its kind.
"""

from __future__ import annotations

import msgspec

from appliance.calibrate.doubts import Doubt
from appliance.calibrate.separation import Separation
from appliance.kinds import Metric
from appliance.search.alike import Alike
from appliance.search.rungs import Rung
from appliance.verdict.verdict import Verdict


class Stage(msgspec.Struct, frozen=True):
    stage: str


class Best(msgspec.Struct, frozen=True):
    """``value`` is by the ``metric``, with its 95 % interval over ``n`` cases; ``loss`` in nats."""

    prompt: str
    metric: Metric
    value: float
    interval: tuple[float, float]
    loss: float
    n: int


class Tried(Best, frozen=True):
    """A candidate, and how its race ended."""

    operator: str
    section: str
    outcome: str


class Progress(msgspec.Struct, frozen=True):
    """``spent`` and ``budget`` are in cost units, ``left_s`` is in seconds."""

    spent: float
    budget: float
    left_s: float


class Note(msgspec.Struct, frozen=True):
    text: str


class Raced(msgspec.Struct, frozen=True):
    """What the candidates of the search took, rung by rung."""

    rungs: tuple[Rung, ...]


MOST_DOUBTS = 100
"""The doubtful rows of a run that are kept at most."""


class ReadOff(msgspec.Struct, frozen=True):
    """How well a map of hidden states tells the labels of tuning and selection rows apart, those
    rows whose labels are doubtful, the surest doubts first, and what is read alike under other
    prompts. There are as many as ``doubtful`` such rows, of which the surest are kept. Where there
    is a likeness and no map the doubts and the separation are missing."""

    separation: Separation | None = None
    doubts: tuple[Doubt, ...] = ()
    alike: tuple[Alike, ...] = ()
    doubtful: int = 0


class Plan(msgspec.Struct, frozen=True):
    """The part of a plan that a window shows; the whole plan is in the run's inputs."""

    text: str
    minutes: float


class StatusChanged(msgspec.Struct, frozen=True):
    status: str
    error: str | None = None


class GivenVerdict(Verdict, frozen=True, kw_only=True):
    """A verdict, with the number of its look at the task's test split."""

    look: int


Event = (
    Stage | Tried | Best | Progress | Note | Raced | ReadOff | Plan | StatusChanged | GivenVerdict
)

EVENTS: dict[str, type[Event]] = {
    "stage": Stage,
    "candidate": Tried,
    "best": Best,
    "progress": Progress,
    "note": Note,
    "rungs": Raced,
    "readout": ReadOff,
    "plan": Plan,
    "status": StatusChanged,
    "verdict": GivenVerdict,
}
_KINDS: dict[type, str] = {struct: kind for kind, struct in EVENTS.items()}


def kind_of(event: Event) -> str:
    """The word under which the store has an event."""
    return _KINDS[type(event)]


def decode_event(kind: str, content: str) -> Event | None:
    """The event, or None for an unknown kind and for content that is not of its kind: what follows
    is told all the same."""
    try:
        return msgspec.json.decode(content, type=EVENTS[kind]) if kind in EVENTS else None
    except msgspec.DecodeError:
        return None
