"""A model is prepared once on a host: the body that searches is chosen."""

from __future__ import annotations

import time

from appliance.host import bodies
from appliance.host.host import Host
from models.catalog import Model

SECONDS_PER_GB = 450
"""What making and measuring bodies takes for each gigabyte of the serving file. SmolLM2-135M with
98 MB took 44 s on two slow cores; others are taken in proportion, and up to three times as long."""


def is_prepared(host: Host, model: Model) -> bool:
    """Whether the body that searches was chosen by a measurement with this build of llama.cpp."""
    measured = model.bodies[model.search].prefill_tokens_per_s is not None
    return measured and model.chosen_with == host.build(model)


def prepare(host: Host, name: str) -> Model:
    """Returns the model with a search body. Where none was chosen yet with this build of llama.cpp,
    bodies are made and measured, and the fastest within the model's limit is kept."""
    model = host.catalog.get(name)
    if is_prepared(host, model):
        return model
    start, serving = time.monotonic(), model.serving_body
    minutes = max(model.size / 1e9 * SECONDS_PER_GB / 60, 0.5)
    host.note(
        f"choosing the body of {model.name} that searches, once with this build of llama.cpp: this "
        f"makes and measures others, in about {minutes:.0f} to {3 * minutes:.0f} minutes"
    )
    tried = bodies.try_all(host, model, lambda trial, body: bodies.measured(host, trial, body))
    search = bodies.fastest(tried.bodies, serving, model.limit)
    model = bodies.keep(host, tried, search)
    host.close(model, serving)
    host.note(
        f"{model.name}: {search} searches "
        f"({model.bodies[search].prefill_tokens_per_s:.0f} tokens/s, "
        f"{model.bodies[search].divergence:.4f} nats from {serving}), {serving} serves "
        f"({model.bodies[serving].prefill_tokens_per_s:.0f} tokens/s); "
        f"chosen in {time.monotonic() - start:.0f} s"
    )
    return model
