"""The bodies of a model: what this host can make of it and run, and the one that searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from appliance.errors import StropError
from appliance.host.fidelity import PROBE, fidelity
from models.catalog import Body, Model, hash_file
from models.engine import Score, Segment, Tokenise, Tokens
from models.make import MakeError, make
from models.pool import WorkerError

if TYPE_CHECKING:
    from appliance.host.host import Host

KINDS = ("BF16", "F16", "Q8_0", "Q4_0")
"""What bodies are made."""

UNQUANTISED = ("BF16", "F16")
LARGE = 2 << 30
"""Bytes of a serving file beyond which no unquantised body is made of it."""

CLEARLY = 1.25
"""How much faster than the serving body another one must be to be worth a file and a worker."""

_SPEED_TOKENS = 512
"""The last one is only looked up."""

Measure = Callable[[Model, str], Body]
"""A body of a model, with its speed and its divergence."""


def try_all(host: Host, model: Model, measure: Measure) -> Model:
    """The model with every body that this host can run, as measured; the others are noted. A
    recorded body stays as it is where it cannot be measured now."""
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
                make("body", folder / model.serving, file, kind)
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
    others, those included that were left by somebody who was killed."""
    kept = {name: model.bodies[name] for name in dict.fromkeys((model.serving_body, search))}
    for name in set(model.bodies) - set(kept):
        host.close(model, name)
    model = msgspec.structs.replace(model, bodies=kept, search=search)
    host.catalog.update(model)
    files = {body.file for body in kept.values()}
    for file in host.catalog.path(model.name).glob("*.gguf"):
        if file.name not in files:
            file.unlink()
    return model


def fastest(bodies: Mapping[str, Body], serving: str, limit: float) -> str:
    """The fastest body within ``limit`` nats of the serving one, if it is clearly faster."""
    speeds = {
        name: body.prefill_tokens_per_s or 0.0
        for name, body in bodies.items()
        if body.divergence is not None and body.divergence <= limit
    }
    best = max(speeds, key=speeds.__getitem__, default=serving)
    return best if speeds.get(best, 0.0) > CLEARLY * speeds.get(serving, 0.0) else serving


def measured(host: Host, model: Model, name: str) -> Body:
    """A body with its prefill speed in tokens a second, the better of two, and its divergence."""
    worker, serving = host.worker(model, name), host.worker(model, model.serving_body)
    request = Score((Segment(-1, any_tokens(_SPEED_TOKENS), 1),))
    try:
        seconds = min(host.timed(worker, request)[0] for _ in range(2))
        divergence = 0.0
        if worker != serving:
            divergence = fidelity(host.pool, serving, worker, probe(host, serving)).divergence
    finally:
        if worker != serving:
            host.close(model, name)
    return msgspec.structs.replace(
        model.bodies[name],
        prefill_tokens_per_s=round((_SPEED_TOKENS - 1) / seconds, 1),
        divergence=round(divergence, 5),
    )


def any_tokens(count: int) -> tuple[int, ...]:
    """So many tokens of whatever model, to be timed."""
    return tuple(100 + at % 100 for at in range(count))


def probe(host: Host, worker: str) -> tuple[int, ...]:
    """The probe text as tokens of a model."""
    reply = host.pool.call(worker, Tokenise((PROBE,)))
    assert isinstance(reply, Tokens)
    return reply.ids[0]
