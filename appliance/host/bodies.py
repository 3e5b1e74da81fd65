"""This host makes and measures the bodies of a model, and keeps those that it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from appliance.errors import StropError
from appliance.host.fidelity import fidelity, probe
from appliance.host.host import Host
from models.catalog import Body, Model, hash_file
from models.engine import Score, Segment
from models.make import MakeError, make
from models.protocol import WorkerError

KINDS = ("BF16", "F16", "Q8_0", "Q4_0")
"""These bodies are made of a model."""

UNQUANTISED = ("BF16", "F16")
LARGE = 2 << 30
"""No unquantised body is made of a serving file with more bytes than this."""

CLEARLY = 1.25
"""A body must be this much faster than the serving one to be worth a file and a worker."""

_SPEED_TOKENS = 512
"""Tokens of a speed measurement. All but the last are computed; that one is only looked up."""

Measure = Callable[[Model, str], Body]
"""It returns a body of a model with its speed and its divergence."""


def try_all(host: Host, model: Model, measure: Measure) -> Model:
    """Returns the model with every body that this host can run, as measured; the others are noted.
    A recorded body stays as it is where it cannot be measured now."""
    serving = model.serving_body
    bodies = {**model.bodies, serving: measure(model, serving)}
    folder = host.catalog.path(model.name)
    for kind in KINDS:
        if kind == serving or (kind in UNQUANTISED and model.size > LARGE):
            continue
        host.note(f"measuring {model.name} as {kind}")
        file = folder / f"{kind.lower()}.gguf"
        try:
            if kind not in bodies:
                make("body", folder / model.serving, file, kind, host.pool.turn_aside())
                bodies[kind] = Body(file.name, hash_file(file), kind)
            bodies[kind] = measure(msgspec.structs.replace(model, bodies=dict(bodies)), kind)
        except (StropError, WorkerError, MakeError) as error:
            host.close(model, kind)
            host.note(f"{model.name} cannot run as {kind} here now and goes without: {error}")
            if kind not in model.bodies:
                bodies.pop(kind, None)
                file.unlink(missing_ok=True)
    return msgspec.structs.replace(model, bodies=bodies)


def keep(host: Host, model: Model, search: str) -> Model:
    """Records the model with its serving body and ``search`` alone, then removes the files of all
    other bodies, those included that a killed process left behind."""
    kept = {name: model.bodies[name] for name in dict.fromkeys((model.serving_body, search))}
    for name in set(model.bodies) - set(kept):
        host.close(model, name)
    build = host.build(model)
    model = msgspec.structs.replace(model, bodies=kept, search=search, chosen_with=build)
    host.catalog.update(model)
    files = {body.file for body in kept.values()}
    for file in host.catalog.path(model.name).glob("*.gguf"):
        if file.name not in files:
            file.unlink()
    return model


def fastest(bodies: Mapping[str, Body], serving: str, limit: float) -> str:
    """Returns the fastest body within ``limit`` nats of the serving one if it is clearly faster,
    else the serving one."""
    speeds = {
        name: body.prefill_tokens_per_s or 0.0
        for name, body in bodies.items()
        if body.divergence is not None and body.divergence <= limit
    }
    best = max(speeds, key=speeds.__getitem__, default=serving)
    return best if speeds.get(best, 0.0) > CLEARLY * speeds.get(serving, 0.0) else serving


def measured(host: Host, model: Model, name: str) -> Body:
    """Returns a body with its prefill speed in tokens a second, the better of two measurements, and
    its divergence from the serving body in nats."""
    worker, serving = host.worker(model, name), host.worker(model, model.serving_body)
    request = Score((Segment(-1, any_tokens(_SPEED_TOKENS), 1),))
    try:
        seconds = min(host.timed(worker, request)[0] for _ in range(2))
        divergence = 0.0
        if worker != serving:
            divergence = fidelity(host.pool, serving, worker, probe(host.pool, serving)).divergence
    finally:
        if worker != serving:
            host.close(model, name)
    return msgspec.structs.replace(
        model.bodies[name],
        prefill_tokens_per_s=round((_SPEED_TOKENS - 1) / seconds, 1),
        divergence=round(divergence, 5),
    )


def any_tokens(count: int) -> tuple[int, ...]:
    """Returns ``count`` token ids that every model has; only the time that they take matters."""
    return tuple(100 + at % 100 for at in range(count))
