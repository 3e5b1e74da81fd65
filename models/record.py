"""A model's record, ``model.json``; it is checked when read, and written as a whole."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec

RECORD = "model.json"
MAX_RECORD_BYTES = 1 << 20
TWIN, WEIGHTS = "twin", "model.safetensors"
"""The twin's folder inside the model's, and the file in it that holds the weights."""

LIMIT = 0.02
"""The largest divergence of a search body from the serving one, in nats, unless its user sets
another."""


class CatalogError(Exception):
    """The catalog cannot do what was asked; the message says why and what to do."""


class NameTaken(CatalogError):
    """Another model has the name that was given."""


class Body(msgspec.Struct, frozen=True):
    """One quantisation of a model. ``file`` lies in the model's folder. The speed, and the
    divergence of its next-token distributions from the serving body's (nats), are set once they are
    measured."""

    file: str
    sha256: str
    quantisation: str
    prefill_tokens_per_s: float | None = None
    divergence: float | None = None


class Model(msgspec.Struct, frozen=True):
    """A model's record. ``sha256`` and ``size`` (bytes) are those of ``serving``, the file served.

    ``bodies`` maps a quantisation to its body, the serving one included. ``search`` names the body
    that a search uses, at most ``limit`` nats from the serving one. ``chosen_with`` is the build of
    llama.cpp that it was chosen with: another build may be faster with another body.
    ``twin_sha256`` is the hash of the twin's weights, once it is made.
    """

    name: str
    serving: str
    sha256: str
    size: int
    architecture: str
    context: int
    licence: str
    origin: str
    added_at: datetime
    bodies: dict[str, Body]
    search: str
    chosen_with: str = ""
    limit: float = LIMIT
    twin_sha256: str | None = None

    @property
    def serving_body(self) -> str:
        return next(name for name, body in self.bodies.items() if body.file == self.serving)

    def uses(self, body: str) -> str:
        """What a body is for, in words."""
        serves = ["serves"] if body == self.serving_body else []
        return ", ".join([*serves, "searches"] if body == self.search else serves)


def read(record: Path) -> Model:
    name = record.parent.name
    try:
        if record.stat().st_size > MAX_RECORD_BYTES:
            raise CatalogError(f"larger than {MAX_RECORD_BYTES} bytes")
        model = msgspec.json.decode(record.read_bytes(), type=Model)
        validate(model)
        if model.name != name:
            raise CatalogError(f"it is the record of {model.name}")
    except (OSError, msgspec.DecodeError, CatalogError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CatalogError(f"{record} cannot be read: {why}; {again(name)}") from error
    return model


def validate(model: Model) -> None:
    """Raises CatalogError unless the files are in the model's folder and ``serving`` and ``search``
    name bodies."""
    files = [body.file for body in model.bodies.values()]
    for file in files:
        if not file or file.startswith(".") or Path(file).name != file:
            raise CatalogError(f"{file!r} is no plain file name")
    if model.serving not in files or model.search not in model.bodies:
        raise CatalogError(f"serving {model.serving!r} or search {model.search!r} is unknown")


def again(name: str) -> str:
    """What to do about a model that cannot be used as it is."""
    return f"remove it with `strop models remove {name}`, then pull or import it again"


def write(record: Path, model: Model) -> None:
    data = msgspec.json.format(msgspec.json.encode(model), indent=2)
    temporary = record.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(record)
    finally:
        temporary.unlink(missing_ok=True)
    sync(record.parent)


def sync(folder: Path) -> None:
    """Flushes a folder to the disk; a rename inside it is durable only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
