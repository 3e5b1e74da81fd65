"""What this machine makes of a model: the speed, the memory and the fidelity of each of its bodies.

For ``strop models bench``. Speeds are of one measurement each: compare them with each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.errors import BudgetError
from appliance.fidelity import PROBE, Fidelity, fidelity
from appliance.host import Host
from appliance.plan import Gauge, serving_body, tokeniser_of
from appliance.tasks import load
from models.catalog import TWIN, Model
from models.engine import Generate, Generated, Request, Score, Scores, Segment

if TYPE_CHECKING:
    from sqlite_utils import Database

DEPTHS = (0, 1024, 3072)
BRANCH = 256
WRITTEN = 32
SIDE_BY_SIDE = 8
MINUTES = 30.0


class Measured(msgspec.Struct, frozen=True):
    """``prefill`` is tokens a second of 512 behind that many, by depth; ``decode`` and
    ``decode_many`` those of one continuation and of eight side by side; ``peak_bytes`` is None
    where the system does not say. The fidelities are to the body that serves and to the twin."""

    body: str
    uses: tuple[str, ...]
    prefill: dict[int, float]
    decode: float
    decode_many: float
    peak_bytes: int | None
    to_serving: Fidelity
    to_twin: Fidelity


class Bench(msgspec.Struct, frozen=True):
    """``scoring`` and ``gradients`` are the twin's tokens a second on the task."""

    model: str
    task: str
    bodies: tuple[Measured, ...]
    scoring: float
    gradients: float
    twin_peak_bytes: int | None
    words: str


def measure(db: Database, host: Host, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a ``bench`` command, which names a model and a task."""
    loaded = load(db, body["task"])
    model = host.prepare(body["model"])
    gauge = Gauge(host, model, model, loaded)
    tokens = tokeniser_of(host, model).encode([PROBE], closed=True)[0][0]
    names = dict.fromkeys((serving_body(model), model.search))
    measured = tuple(_measured(host, model, name, tokens) for name in names)
    host.note(f"timing the twin of {model.name} on {loaded.task.name}")
    worker = host.worker(model, TWIN)
    layout = gauge.renderer.layout(loaded.seed, gauge.cases)
    scoring = _speed(host, worker, Score(tuple(layout.segments)))
    bodies = gauge.bodies()
    gradients = 1000 / bodies["twin"].prices.gradient
    try:
        plan = gauge.plan(bodies, MINUTES)
        words = (
            f"A {MINUTES:g}-minute run on this machine tries at most {plan.candidates} candidates "
            f"of {loaded.task.name}; its verdict takes about {plan.verdict_minutes:.1f} minutes."
        )
    except BudgetError as error:
        words = f"{MINUTES:g} minutes are too few for {loaded.task.name} here: {error}"
    found = Bench(
        model.name, loaded.task.name, measured, scoring, gradients, _peak(host, worker), words
    )
    answer: dict[str, Any] = msgspec.to_builtins(found, str_keys=True)
    return answer


def _measured(host: Host, model: Model, name: str, tokens: tuple[int, ...]) -> Measured:
    host.note(f"timing {model.name} as {name}")
    worker, serving = host.worker(model, name), host.worker(model, serving_body(model))
    limit = host.describe(worker).context
    prefill = {depth: _prefill(host, worker, depth) for depth in DEPTHS if depth + BRANCH <= limit}
    one, many = (_decode(host, worker, n) for n in (1, SIDE_BY_SIDE))
    uses = ["serves"] if name == serving_body(model) else []
    uses += ["searches"] if name == model.search else []
    return Measured(
        body=name,
        uses=tuple(uses),
        prefill=prefill,
        decode=one,
        decode_many=many,
        peak_bytes=_peak(host, worker),
        to_serving=fidelity(host.pool, serving, worker, tokens),
        to_twin=fidelity(host.pool, host.worker(model, TWIN), worker, tokens),
    )


def _prefill(host: Host, worker: str, depth: int) -> float:
    """Of two branches behind a trunk that the first of two equal requests leaves in memory."""
    ids = tuple(range(100, 100 + BRANCH))
    trunk = [Segment(-1, tuple(ids[at % BRANCH] for at in range(depth)))] if depth else []
    branches = [Segment(len(trunk) - 1, (first, *ids), 1) for first in (5, 6)]
    request = Score((*trunk, *branches))
    host.timed(worker, request)
    return _speed(host, worker, request)


def _speed(host: Host, worker: str, request: Request) -> float:
    """Tokens a second."""
    seconds, reply = host.timed(worker, request)
    assert isinstance(reply, Scores)
    return round(reply.decoded / seconds, 1)


def _decode(host: Host, worker: str, n: int) -> float:
    seconds, reply = host.timed(worker, Generate(((100,),), n=n, max_tokens=WRITTEN, seed=1))
    assert isinstance(reply, Generated)
    return round(reply.sampled / seconds, 1)


def _peak(host: Host, worker: str) -> int | None:
    """Bytes that the worker had in memory at most."""
    status = Path(f"/proc/{host.pool.pids().get(worker)}/status")
    try:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
