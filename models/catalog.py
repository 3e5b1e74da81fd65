"""What is on this machine: one folder a model, with its files and ``model.json``."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from models.headers import HeaderError, read_gguf, read_safetensors
from models.record import RECORD, Body, CatalogError, Model, read, sync, validate, write

__all__ = ["Body", "Catalog", "CatalogError", "Model", "hash_file"]

_CHUNK = 1 << 20
_name = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Catalog:
    """The models under ``folder``. Every change happens whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """The model's own folder, whether it exists or not."""
        if not _name.fullmatch(name):
            raise CatalogError(
                f"{name!r} is no model name: use up to 64 of a-z, 0-9, '.', '_', '-', "
                "a letter or digit first"
            )
        return self.folder / name

    def get(self, name: str) -> Model:
        record = self.path(name) / RECORD
        if not record.is_file():
            self._refuse_unknown(name)
        return read(record)

    def all(self) -> list[Model]:
        """Every model, by name."""
        return [read(record) for record in sorted(self.folder.glob(f"[!.]*/{RECORD}"))]

    def add_gguf(self, path: Path, name: str, *, licence: str, origin: str) -> Model:
        """Copies a checked GGUF into a new model; HeaderError where its header is refused."""
        target = self.path(name)
        header = read_gguf(path)
        with self._locked(name):
            if target.exists():
                raise CatalogError(
                    f"a model named {name} is already in {self.folder}: "
                    "remove it first or choose another name"
                )
            with self._staged(name) as stage:
                sha256 = _copy(path, stage / "serving.gguf")
                body = Body("serving.gguf", sha256, header.quantisation)
                model = Model(
                    name=name,
                    serving=body.file,
                    sha256=sha256,
                    size=header.size,
                    architecture=header.architecture,
                    context=header.context_length,
                    licence=licence,
                    origin=origin,
                    added_at=datetime.now(UTC),
                    bodies={header.quantisation: body},
                    search=header.quantisation,
                )
                write(stage / RECORD, model)
                stage.rename(target)
            sync(self.folder)
        return model

    def update(self, model: Model) -> None:
        """Replaces the record of a model that exists; its files must already be in place."""
        folder = self.path(model.name)
        with self._locked(model.name):
            if not (folder / RECORD).is_file():
                self._refuse_unknown(model.name)
            validate(model, str(folder / RECORD))
            write(folder / RECORD, model)

    def remove(self, name: str) -> None:
        folder = self.path(name)
        with self._locked(name):
            if not folder.is_dir():
                self._refuse_unknown(name)
            # One rename makes it gone; a kill while the files go leaves no half of a model behind.
            stage = self._stage(name)
            shutil.rmtree(stage, ignore_errors=True)
            folder.rename(stage)
            shutil.rmtree(stage)

    def check(self, name: str) -> list[str]:
        """Hashes every file again and reads its header again; what is wrong, empty if nothing."""
        model, folder = self.get(name), self.path(name)
        problems = []
        for body in model.bodies.values():
            file = folder / body.file
            try:
                header = read_gguf(file)
                if body.file == model.serving and header.size != model.size:
                    problems.append(f"{file}: {header.size} bytes, recorded are {model.size}")
                if hash_file(file) != body.sha256:
                    problems.append(f"{file}: its sha256 is not the recorded {body.sha256}")
            except (HeaderError, OSError) as error:
                problems.append(str(error))
        if model.twin is not None:
            problems += _check_twin(folder / model.twin)
        return problems

    def _refuse_unknown(self, name: str) -> NoReturn:
        here = ", ".join(model.name for model in self.all()) or "none yet"
        raise CatalogError(
            f"no model is named {name}; on this machine: {here}. "
            "Get one with `strop models pull smollm2-135m`"
        )

    def _stage(self, name: str) -> Path:
        return self.folder / f".{name}.staged"

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """One process at a time changes a model; the lock falls with its process."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.folder / f".{name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise CatalogError(
                f"{name} in {self.folder}: {error.strerror}; nothing was changed"
            ) from error

    @contextlib.contextmanager
    def _staged(self, name: str) -> Iterator[Path]:
        """An empty folder to fill and rename; gone whatever happens, what a kill left included."""
        stage = self._stage(name)
        shutil.rmtree(stage, ignore_errors=True)
        try:
            stage.mkdir(mode=0o700)
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_twin(folder: Path) -> list[str]:
    files = sorted(folder.glob("*.safetensors"))
    problems = [] if files else [f"{folder}: no safetensors file of the twin"]
    for file in files:
        try:
            read_safetensors(file)
        except HeaderError as error:
            problems.append(str(error))
    return problems


def _copy(source: Path, target: Path) -> str:
    """Copies through to the disk; the SHA-256 of the bytes copied, in hex."""
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("xb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        while chunk := original.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
