"""A model is prepared once on a host: a body is chosen to search, and the twin is made."""

from __future__ import annotations

import msgspec

from appliance.errors import StropError
from appliance.host import bodies
from appliance.host.host import Host, verify_file
from models.catalog import TWIN, WEIGHTS, Model, hash_file
from models.make import MakeError, make


def prepare(host: Host, name: str) -> Model:
    """Returns the model with a search body and a twin. Where it has none yet, its bodies are made
    and measured, the fastest within the model's limit is kept for the search, and the twin is made.
    """
    model = host.catalog.get(name)
    if model.bodies[model.search].prefill_tokens_per_s is None:
        model = _choose_search_body(host, model)
    if model.twin_sha256 is None:
        model = _make_twin(host, model)
    return model


def _choose_search_body(host: Host, model: Model) -> Model:
    tried = bodies.try_all(host, model, lambda trial, name: bodies.measured(host, trial, name))
    serving = model.serving_body
    search = bodies.fastest(tried.bodies, serving, model.limit)
    model = bodies.keep(host, tried, search)
    host.close(model, serving)
    host.note(
        f"{model.name}: {search} searches "
        f"({model.bodies[search].prefill_tokens_per_s:.0f} tokens/s, "
        f"{model.bodies[search].divergence:.4f} nats from {serving}), {serving} serves "
        f"({model.bodies[serving].prefill_tokens_per_s:.0f} tokens/s)"
    )
    return model


def _make_twin(host: Host, model: Model) -> Model:
    host.note(f"making the twin of {model.name} in PyTorch, once (about 20 s)")
    folder = host.catalog.path(model.name)
    verify_file(folder / model.serving, model.sha256, model.name)
    try:
        make("twin", folder / model.serving, folder / TWIN)
    except MakeError as error:
        raise StropError(f"{error}; see `strop doctor` for memory and disk") from error
    model = msgspec.structs.replace(model, twin_sha256=hash_file(folder / TWIN / WEIGHTS))
    host.catalog.update(model)
    return model
