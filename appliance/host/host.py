"""The models of this host: which bodies it can run, how fast each is, and the workers that do.

The only part of a run that reads a clock; what it measures is frozen into the run's inputs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.errors import StropError
from appliance.evaluate.workbench import Body, Prices
from appliance.host import bodies
from models.catalog import TWIN, WEIGHTS, Catalog, Model, again, hash_file
from models.engine import Describe, Description, Reply, Request
from models.make import MakeError, make
from models.pool import Pool

LOAD_TIMEOUT = 600.0
BEAT_TIMEOUT = 300.0

Note = Callable[[str], None]


class Host:
    """Prepares models of the catalog and opens their workers in ``pool``, under ``model/body``."""

    def __init__(self, catalog: Catalog, pool: Pool, note: Note) -> None:
        self.catalog = catalog
        self.pool = pool
        self.note = note
        self._open: dict[str, str] = {}
        self._descriptions: dict[str, Description] = {}

    def prepare(self, name: str) -> Model:
        """Once a model: measures each body this host can make of it, keeps the fastest within the
        model's limit for the search, and makes the twin."""
        model = self.catalog.get(name)
        if model.bodies[model.search].prefill_tokens_per_s is None:
            model = self._choose_search_body(model)
        if model.twin_sha256 is None:
            self.note(f"making the twin of {name} in PyTorch, once (about 20 s)")
            folder = self.catalog.path(name)
            _verify(folder / model.serving, model.sha256, name)
            try:
                make("twin", folder / model.serving, folder / TWIN)
            except MakeError as error:
                raise StropError(f"{error}; see `strop doctor` for memory and disk") from error
            model = msgspec.structs.replace(model, twin_sha256=hash_file(folder / TWIN / WEIGHTS))
            self.catalog.update(model)
        return model

    def worker(self, model: Model, body: str) -> str:
        """The name under which a body (or ``twin``) can be called; its worker starts when it is.

        Its file is hashed first, once a process; StropError where it is not the recorded one.
        """
        name = f"{model.name}/{body}"
        sha256 = _recorded(model, body)
        if self._open.get(name) != sha256:
            self._close(name)  # of a model that was removed, and another added under its name
            folder = self.catalog.path(model.name)
            options: dict[str, Any] = {}
            if body == TWIN:
                engine, path = "models.twin.engine:load", folder / TWIN
                _verify(path / WEIGHTS, sha256, model.name)
            else:
                engine, path = "models.llama.engine:load", folder / model.bodies[body].file
                _verify(path, sha256, model.name)
                options = _gpu_layers()
            self.pool.open(
                name,
                engine,
                {"path": str(path), **options},
                load_timeout=LOAD_TIMEOUT,
                beat_timeout=BEAT_TIMEOUT,
            )
            self._open[name] = sha256
        return name

    def describe(self, worker: str) -> Description:
        if worker not in self._descriptions:
            reply = self.pool.call(worker, Describe())
            assert isinstance(reply, Description)
            self._descriptions[worker] = reply
        return self._descriptions[worker]

    def body(self, model: Model, body: str, prices: Prices) -> Body:
        worker = self.worker(model, body)
        found = self.describe(worker)
        parts = [body, _recorded(model, body), found.context, sorted(found.engine.items())]
        return Body(worker, msgspec.json.encode(parts).decode(), prices)

    def timed(self, worker: str, request: Request) -> tuple[float, Reply]:
        """How long this host takes for a request (seconds), the model being loaded; its reply."""
        self.pool.call(worker, Describe())  # it may have been ended to make room
        start = time.perf_counter()
        reply = self.pool.call(worker, request)
        return time.perf_counter() - start, reply

    def close(self, model: Model, body: str) -> None:
        """Ends a body's worker, if there is one."""
        self._close(f"{model.name}/{body}")

    def _choose_search_body(self, model: Model) -> Model:
        tried = bodies.try_all(self, model, lambda trial, name: bodies.measured(self, trial, name))
        serving = model.serving_body
        search = bodies.fastest(tried.bodies, serving, model.limit)
        model = bodies.keep(self, tried, search)
        self.close(model, serving)
        self.note(
            f"{model.name}: {search} searches "
            f"({model.bodies[search].prefill_tokens_per_s:.0f} tokens/s, "
            f"{model.bodies[search].divergence:.4f} nats from {serving}), {serving} serves "
            f"({model.bodies[serving].prefill_tokens_per_s:.0f} tokens/s)"
        )
        return model

    def _close(self, worker: str) -> None:
        self.pool.close(worker)
        self._open.pop(worker, None)
        self._descriptions.pop(worker, None)


def _gpu_layers() -> dict[str, int]:
    """Of a body, where its user wants less than all of them on the card."""
    given = os.environ.get("STROP_GPU_LAYERS", "")
    if given and not given.isdecimal():
        raise StropError(
            f"STROP_GPU_LAYERS is {given!r}; set it to a number of layers, or unset it"
        )
    return {"gpu_layers": int(given)} if given else {}


def _recorded(model: Model, body: str) -> str:
    """The SHA-256 by which a body or the twin is known."""
    if body == TWIN:
        sha256 = model.twin_sha256
    else:
        sha256 = model.bodies[body].sha256 if body in model.bodies else None
    if sha256 is None:
        raise StropError(
            f"{model.name} has no {body} now, it was added again or another body was chosen; "
            "start a new run"
        )
    return sha256


def _verify(file: Path, sha256: str, name: str) -> None:
    try:
        found = hash_file(file)
    except OSError as error:
        raise StropError(f"{file} cannot be read: {error.strerror}; {again(name)}") from error
    if found != sha256:
        raise StropError(f"{file} is not the file that was recorded, it has changed; {again(name)}")
