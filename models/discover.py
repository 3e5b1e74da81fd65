"""Finds the GGUF files of other programs of this user; it reads them and never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from models.headers import HeaderError, read_part
from models.headers.ggml import FILE_TYPES

MAX_FILES = 10_000
"""The most files looked at in one place; a home folder full of models has some hundred."""

MAX_MANIFEST_BYTES = 1 << 20
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_later_part = re.compile(r".+-(?!00001)\d{5}-of-\d{5}\.gguf")


class Discovered(msgspec.Struct, frozen=True):
    """A GGUF file. ``name`` is what its program calls it; ``size`` is in bytes, of this file.
    ``problem`` says why it cannot be imported and is empty where no reason is known."""

    source: str
    name: str
    path: str
    size: int
    architecture: str
    quantisation: str
    problem: str


def discover(home: Path, environment: dict[str, str]) -> Iterator[Discovered]:
    """The files of the Hugging Face cache, LM Studio and Ollama, in the folders they are set to."""
    hub = Path(environment.get("HF_HOME") or home / ".cache" / "huggingface") / "hub"
    hub = Path(environment.get("HF_HUB_CACHE") or hub)
    for path in _files(hub, "models--*/snapshots/*/**/*.gguf"):
        repository = path.relative_to(hub).parts[0].removeprefix("models--").replace("--", "/")
        yield _look("Hugging Face", f"{repository}/{path.name}", path)
    for folder in (home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"):
        for path in _files(folder, "**/*.gguf"):
            yield _look("LM Studio", str(path.relative_to(folder)), path)
    own = Path(environment.get("OLLAMA_MODELS") or home / ".ollama" / "models")
    for folder in dict.fromkeys((own, Path("/usr/share/ollama/.ollama/models"))):
        yield from _ollama(folder)


def _ollama(folder: Path) -> Iterator[Discovered]:
    """Reads Ollama's manifests, which name models and the blobs that hold them."""
    manifests = folder / "manifests"
    for path in _files(manifests, "*/*/*/*"):
        _, user, name, tag = path.relative_to(manifests).parts
        shown = f"{name}:{tag}" if user == "library" else f"{user}/{name}:{tag}"
        for digest in _model_layers(path):
            yield _look("Ollama", shown, folder / "blobs" / digest.replace(":", "-"))


class _Layer(msgspec.Struct):
    mediaType: str
    digest: str


class _Manifest(msgspec.Struct):
    layers: list[_Layer] = []


def _model_layers(manifest: Path) -> list[str]:
    try:
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            return []
        layers = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).layers
    except (OSError, msgspec.DecodeError):
        return []
    found = (layer.digest for layer in layers if layer.mediaType == _OLLAMA_MODEL)
    return [digest for digest in found if re.fullmatch(r"sha256:[0-9a-f]{64}", digest)]


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    """The files by name, without later parts of split models; none if the folder is unreadable."""
    try:
        found = sorted(islice(folder.glob(pattern), MAX_FILES))
    except OSError:
        return
    yield from (path for path in found if path.is_file() and not _later_part.match(path.name))


def _look(source: str, name: str, path: Path) -> Discovered:
    architecture = quantisation = problem = ""
    size = 0
    try:
        size = path.stat().st_size
        metadata = read_part(path).metadata
        architecture = str(metadata.get("general.architecture", ""))
        quantisation = _kind(metadata.get("general.file_type"))
    except (HeaderError, OSError) as error:
        problem = error.rule if isinstance(error, HeaderError) else str(error.strerror)
    return Discovered(source, name, str(path), size, architecture, quantisation, problem)


def _kind(code: object) -> str:
    return FILE_TYPES.get(code, "") if isinstance(code, int) else ""
