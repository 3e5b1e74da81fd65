"""A host opens the workers of its models and times what they do.

It is the only part of a run that reads a clock; what it measures is frozen into the run's inputs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.encode.frame import Frame
from appliance.encode.tokens import Tokeniser
from appliance.errors import StropError
from appliance.evaluate.workbench import Body, Prices
from models.catalog import TWIN, WEIGHTS, Catalog, Model, again, hash_file
from models.engine import Describe, Description, Reply, Request
from models.pool import Pool

LOAD_TIMEOUT = 600.0
BEAT_TIMEOUT = 300.0

Note = Callable[[str], None]


class Host:
    """Opens the workers of the catalog's models in ``pool``, under ``model/body``."""

    def __init__(self, catalog: Catalog, pool: Pool, note: Note) -> None:
        self.catalog = catalog
        self.pool = pool
        self.note = note
        self._open: dict[str, str] = {}
        self._descriptions: dict[str, Description] = {}

    def worker(self, model: Model, body: str) -> str:
        """Returns the name under which a body (or ``twin``) can be called; its worker starts at the
        first call.

        The file is hashed first, once a process; StropError where it is not the recorded one.
        """
        name = f"{model.name}/{body}"
        sha256 = _recorded(model, body)
        if self._open.get(name) != sha256:
            self._close(name)  # A removed model may have had this name before.
            folder = self.catalog.path(model.name)
            options: dict[str, Any] = {}
            if body == TWIN:
                engine, path = "models.twin.engine:load", folder / TWIN
                verify_file(path / WEIGHTS, sha256, model.name)
            else:
                engine, path = "models.llama.engine:load", folder / model.bodies[body].file
                verify_file(path, sha256, model.name)
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

    def build(self, model: Model) -> str:
        """Returns the version of llama.cpp and what of this processor it was compiled for."""
        engine = self.describe(self.worker(model, model.serving_body)).engine
        return " for ".join(filter(None, (engine["library"], engine.get("system", "").strip(" |"))))

    def body(self, model: Model, body: str, prices: Prices) -> Body:
        """Opens a body and returns it as a run uses it, with the prices given."""
        worker = self.worker(model, body)
        found = self.describe(worker)
        sha256 = _recorded(model, body)
        parts = [body, sha256, found.context, sorted(found.engine.items())]
        return Body(worker, msgspec.json.encode(parts).decode(), prices, sha256)

    def timed(self, worker: str, request: Request) -> tuple[float, Reply]:
        """Returns the seconds that a loaded model takes for a request, and its reply."""
        self.pool.call(worker, Describe())  # The worker may have been ended to make room.
        start = time.perf_counter()
        reply = self.pool.call(worker, request)
        return time.perf_counter() - start, reply

    def note_frame(self, name: str, frame: Frame) -> None:
        """Says what a person should know of the model's chat template, if anything."""
        if frame.note:
            self.note(f"{name}: {frame.note}")

    def close(self, model: Model, body: str) -> None:
        """Ends a body's worker, if there is one."""
        self._close(f"{model.name}/{body}")

    def _close(self, worker: str) -> None:
        self.pool.close(worker)
        self._open.pop(worker, None)
        self._descriptions.pop(worker, None)


def tokeniser_of(host: Host, model: Model, body: str) -> Tokeniser:
    """Opens a body of a model and returns its tokeniser, which is the same for all its bodies."""
    worker = host.worker(model, body)
    return Tokeniser(host.pool, worker, host.describe(worker))


def verify_file(file: Path, sha256: str, name: str) -> None:
    """Raises StropError where a file of the model ``name`` is not the recorded one."""
    try:
        found = hash_file(file)
    except OSError as error:
        raise StropError(f"{file} cannot be read: {error.strerror}; {again(name)}") from error
    if found != sha256:
        raise StropError(f"{file} is not the file that was recorded, it has changed; {again(name)}")


def _gpu_layers() -> dict[str, int]:
    """Returns the engine's option for the number of layers on the GPU, where the user sets one."""
    given = os.environ.get("STROP_GPU_LAYERS", "")
    if given and not given.isdecimal():
        raise StropError(
            f"STROP_GPU_LAYERS is {given!r}; set it to a number of layers, or unset it"
        )
    return {"gpu_layers": int(given)} if given else {}


def _recorded(model: Model, body: str) -> str:
    """Returns the SHA-256 by which a body or the twin is known."""
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
