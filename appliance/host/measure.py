"""``strop models bench`` measures the speed, the memory and the fidelity of each body of a model.

A speed is one measurement: it can be compared only with the other speeds of the same bench.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.data.tasks import load
from appliance.errors import BudgetError
from appliance.host import bodies
from appliance.host.agreement import Agreement, score_agreement
from appliance.host.fidelity import Fidelity, fidelity, probe
from appliance.host.host import Host
from appliance.host.plan import make_plan
from appliance.host.prepare import is_prepared
from appliance.host.prices import price_bodies
from appliance.host.twin import NoTwin, with_twin
from appliance.host.workload import open_workload
from appliance.prompts.loaded import Loaded
from appliance.search.readouts import may_be_likened, readouts
from models.catalog import TWIN, Body, Model
from models.engine import Generate, Generated, Request, Score, Scores, Segment

if TYPE_CHECKING:
    from sqlite_utils import Database

DEPTHS = (0, 1024, 3072)
BRANCH = 256
WRITTEN = 32
SIDE_BY_SIDE = 8
MINUTES = 30.0


class Measured(msgspec.Struct, frozen=True):
    """``prefill`` maps a depth, which is a number of tokens, to the tokens a second at which 512
    more are read behind them; ``decode`` and ``decode_many`` are the tokens a second of one
    continuation and of eight side by side; ``peak_bytes`` is None where the system does not say.
    Fidelity is measured on a text and rank agreement on the task's labels, each against the serving
    body and against the twin, where there is one."""

    body: str
    uses: str
    prefill: dict[int, float]
    decode: float
    decode_many: float
    peak_bytes: int | None
    to_serving: Fidelity
    rank_to_serving: Agreement
    to_twin: Fidelity | None
    rank_to_twin: Agreement | None


class Bench(msgspec.Struct, frozen=True):
    """``limit`` is the most nats that a search body may be from the serving one; ``scoring`` and
    ``gradients`` are the twin's tokens a second on the task, None where there is no twin that can
    be used, and then ``no_twin`` says why."""

    model: str
    task: str
    limit: float
    bodies: tuple[Measured, ...]
    scoring: float | None
    gradients: float | None
    twin_peak_bytes: int | None
    words: str
    no_twin: str = ""


def measure(db: Database, host: Host, name: str, task: str, within: float | None = None) -> Bench:
    """Measures the model called ``name`` on a task. Where ``within`` (nats) is given, the search
    body is chosen anew by it."""
    loaded = load(db, task)
    model, without = host.catalog.get(name), ""
    try:
        model = with_twin(host, model)
    except NoTwin as error:
        without = str(error)
        host.note(f"going on without a twin: {without}")
    found: list[Measured] = []

    def tried(trial: Model, body: str) -> Body:
        found.append(_measured(host, trial, body, loaded, twin=not without))
        return bodies.measured(host, trial, body)

    trial = bodies.try_all(host, model, tried)
    search = model.search
    if within is not None or not is_prepared(host, model):
        trial = msgspec.structs.replace(trial, limit=trial.limit if within is None else within)
        search = bodies.fastest(trial.bodies, model.serving_body, trial.limit)
    model = bodies.keep(host, trial, search)
    host.note(f"timing {model.name} on {loaded.task.name}")
    work = open_workload(host, model, loaded)
    priced = price_bodies(host, model, model, work, twin=not without)
    scoring = gradients = twin_peak = None
    if not without:
        worker = host.worker(model, TWIN)
        scoring = _speed(host, worker, Score(work.sheet().segments))
        gradients = round(1000 / priced["twin"].prices.gradient, 1)
        twin_peak = _peak(host, worker)
    try:
        may_read, likeness = readouts(loaded, None), may_be_likened(loaded, None)
        plan = make_plan(host, model, work, priced, MINUTES, readouts=may_read, likeness=likeness)
        words = (
            f"A {MINUTES:g}-minute run on this machine tries at most {plan.candidates} candidates "
            f"of {loaded.task.name}; its verdict takes about {plan.verdict_minutes:.1f} minutes."
        )
    except BudgetError as error:
        words = f"{MINUTES:g} minutes are too few for {loaded.task.name} here: {error}"
    return Bench(
        model=model.name,
        task=loaded.task.name,
        limit=model.limit,
        bodies=tuple(msgspec.structs.replace(m, uses=model.uses(m.body)) for m in found),
        scoring=scoring,
        gradients=gradients,
        twin_peak_bytes=twin_peak,
        words=words,
        no_twin=without,
    )


def _measured(host: Host, model: Model, name: str, loaded: Loaded, *, twin: bool) -> Measured:
    worker, serving = host.worker(model, name), host.worker(model, model.serving_body)
    limit = host.describe(worker).context
    prefill = {depth: _prefill(host, worker, depth) for depth in DEPTHS if depth + BRANCH <= limit}
    one, many = (_decode(host, worker, n) for n in (1, SIDE_BY_SIDE))
    tokens = probe(host.pool, serving)
    work = open_workload(host, model, loaded)
    to_twin = rank_to_twin = None
    if twin:
        other = host.worker(model, TWIN)
        to_twin = fidelity(host.pool, other, worker, tokens)
        rank_to_twin = score_agreement(host.pool, work.sheet(), worker, other)
    return Measured(
        body=name,
        uses="",
        prefill=prefill,
        decode=one,
        decode_many=many,
        peak_bytes=_peak(host, worker),
        to_serving=fidelity(host.pool, serving, worker, tokens),
        rank_to_serving=score_agreement(host.pool, work.sheet(), worker, serving),
        to_twin=to_twin,
        rank_to_twin=rank_to_twin,
    )


def _prefill(host: Host, worker: str, depth: int) -> float:
    """Times two branches behind a trunk that the first of two equal requests leaves in memory."""
    trunk = [Segment(-1, bodies.any_tokens(depth))] if depth else []
    ids = bodies.any_tokens(BRANCH)
    branches = [Segment(len(trunk) - 1, (first, *ids), 1) for first in (5, 6)]
    request = Score((*trunk, *branches))
    host.timed(worker, request)
    return _speed(host, worker, request)


def _speed(host: Host, worker: str, request: Request) -> float:
    """Returns the tokens a second at which a request is read."""
    seconds, reply = host.timed(worker, request)
    assert isinstance(reply, Scores)
    return round(reply.decoded / seconds, 1)


def _decode(host: Host, worker: str, n: int) -> float:
    request = Generate(((100,),), n=n, max_tokens=WRITTEN, seed=1)
    host.timed(worker, request)  # The first request takes the memory that both need.
    seconds, reply = host.timed(worker, request)
    assert isinstance(reply, Generated)
    return round(reply.sampled / seconds, 1)


def _peak(host: Host, worker: str) -> int | None:
    """Returns the largest number of bytes that the worker had in memory."""
    status = Path(f"/proc/{host.pool.pids().get(worker)}/status")
    try:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
