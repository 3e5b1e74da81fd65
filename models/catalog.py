"""The models on this machine; each has a folder with its files and ``model.json``."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NoReturn

from models.headers import HeaderError, read_gguf, read_safetensors
from models.join import join, parts_of
from models.make import make
from models.record import (
    RECORD,
    TWIN,
    WEIGHTS,
    Body,
    CatalogError,
    Model,
    NameTaken,
    again,
    read,
    sync,
    validate,
    write,
)

__all__ = [
    "LONGEST_NAME",
    "TWIN",
    "WEIGHTS",
    "Body",
    "Catalog",
    "CatalogError",
    "Model",
    "NameTaken",
    "again",
    "hash_file",
]

_CHUNK = 1 << 20
LONGEST_NAME = 64
_name = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST_NAME - 1}}}")


class Catalog:
    """The models under ``folder``. Every change is made completely or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """The model's own folder, whether it exists or not."""
        if not _name.fullmatch(name):
            raise CatalogError(
                f"{name!r} is no model name: use up to {LONGEST_NAME} of a-z, 0-9, '.', '_', '-', "
                "a letter or digit first"
            )
        return self.folder / name

    def get(self, name: str) -> Model:
        folder = self.path(name)
        if not folder.is_dir():
            self._refuse_unknown(name)
        return read(folder / RECORD)

    def all(self) -> list[Model]:
        """All models whose record can be read, by name; ``damaged`` returns the others."""
        return [found for found in self._found().values() if isinstance(found, Model)]

    def damaged(self) -> dict[str, str]:
        """For each model whose record cannot be read: the reason and what to do, by name."""
        return {
            name: str(found)
            for name, found in self._found().items()
            if isinstance(found, CatalogError)
        }

    def add_gguf(
        self, path: Path, name: str, *, licence: str | None, origin: str, twin: Path | None = None
    ) -> Model:
        """Copies a checked GGUF into a new model. Raises HeaderError where its header is refused.

        If ``path`` is the first of several parts, they are joined into one file. Without a
        ``licence`` the one that the header states is recorded. The twin is made at once from the
        safetensors in folder ``twin`` where given (MakeError if that fails), otherwise when it is
        first needed.
        """
        target = self.path(name)
        parts = parts_of(path)
        with self._locked(name):
            if target.exists():
                raise NameTaken(
                    f"a model named {name} is already in {self.folder}: "
                    f"remove it with `strop models remove {name}` or choose another name"
                )
            with self._staged(name) as stage:
                served = stage / "serving.gguf"
                if len(parts) > 1:
                    join(parts, served)
                    sha256 = hash_file(served)
                else:
                    sha256 = _copy(path, served)
                header = read_gguf(served)
                if twin is not None:
                    make("twin", twin, stage / TWIN)
                body = Body("serving.gguf", sha256, header.quantisation)
                model = Model(
                    name=name,
                    serving=body.file,
                    sha256=sha256,
                    size=header.size,
                    architecture=header.architecture,
                    context=header.context_length,
                    licence=header.licence if licence is None else licence,
                    origin=origin,
                    added_at=datetime.now(UTC),
                    bodies={header.quantisation: body},
                    search=header.quantisation,
                    twin_sha256=None if twin is None else hash_file(stage / TWIN / WEIGHTS),
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
            validate(model)
            write(folder / RECORD, model)

    def remove(self, name: str) -> None:
        folder = self.path(name)
        with self._locked(name):
            if not folder.is_dir():
                self._refuse_unknown(name)
            # One rename removes the model. A process that is killed while it deletes the files
            # leaves no half of a model behind.
            stage = self._stage(name)
            shutil.rmtree(stage, ignore_errors=True)
            folder.rename(stage)
            shutil.rmtree(stage)

    def check(self, name: str) -> list[str]:
        """Hashes every file and reads its header again; returns the problems found."""
        folder = self.path(name)
        if problem := self.damaged().get(name):
            return [problem]
        model, problems = self.get(name), []
        for body in model.bodies.values():
            problems += _check(folder / body.file, read_gguf, body.sha256)
        if model.twin_sha256 is not None:
            problems += _check(folder / TWIN / WEIGHTS, read_safetensors, model.twin_sha256)
        return problems

    def _found(self) -> dict[str, Model | CatalogError]:
        """For every folder that can be a model's, by name: its record, or why it has none."""
        found: dict[str, Model | CatalogError] = {}
        for folder in sorted(self.folder.glob("*/")):
            if _name.fullmatch(folder.name):
                try:
                    found[folder.name] = read(folder / RECORD)
                except CatalogError as error:
                    found[folder.name] = error
        return found

    def _refuse_unknown(self, name: str) -> NoReturn:
        here = ", ".join(model.name for model in self.all()) or "none yet"
        raise CatalogError(
            f"no model is named {name}; on this machine: {here}; "
            "get one with `strop models pull smollm2-135m` or `strop models import FILE`"
        )

    def _stage(self, name: str) -> Path:
        return self.folder / f".{name}.staged"

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Lets one process at a time change a model; the lock is released when the process ends."""
        file = self.folder / f".{name}.lock"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked_file(file):
                try:
                    yield
                finally:
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise CatalogError(
                f"{name} in {self.folder}: {error.strerror}; nothing was changed"
            ) from error

    @contextlib.contextmanager
    def _staged(self, name: str) -> Iterator[Path]:
        """Yields an empty folder to fill and rename. The folder is removed in any case, and so is
        one that a killed process left behind."""
        stage = self._stage(name)
        shutil.rmtree(stage, ignore_errors=True)
        try:
            stage.mkdir(mode=0o700)
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


@contextlib.contextmanager
def _locked_file(file: Path) -> Iterator[None]:
    """Locks a file that whoever held the lock before may have removed meanwhile."""
    while True:
        with file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_open(file, lock):
                yield
                return


def is_open(file: Path, opened: IO[Any]) -> bool:
    """Whether an open file is still the one at this path."""
    try:
        return os.path.samestat(file.stat(), os.fstat(opened.fileno()))
    except FileNotFoundError:
        return False


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(file: Path, read_header: Callable[[Path], object], sha256: str) -> list[str]:
    try:
        read_header(file)
        found = hash_file(file)
    except (HeaderError, OSError) as error:
        return [str(error)]
    return [] if found == sha256 else [f"{file}: its sha256 is not the recorded {sha256}"]


def _copy(source: Path, target: Path) -> str:
    """Copies ``source`` and flushes it to the disk; returns the SHA-256 of the bytes, in hex."""
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("xb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        while chunk := original.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
