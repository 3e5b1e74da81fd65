"""Makes other bodies of a model: llama.cpp requantises its GGUF."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import llama_cpp

from models.headers import HeaderError, read_gguf
from models.headers.ggml import FILE_TYPES
from models.llama import log
from models.make import KINDS, unfinished

_CODES = {name: code for code, name in FILE_TYPES.items()}


class QuantiseError(Exception):
    """A body could not be made; the message names the file and says why."""


def quantise(source: Path, target: Path, kind: str) -> None:
    """Writes ``source``, requantised as ``kind``, to ``target``, completely or not at all.

    Weights pass through float32; what a quantised source has lost does not come back. Raises
    HeaderError for a source that is refused and QuantiseError where llama.cpp fails.
    """
    if kind not in KINDS:
        raise QuantiseError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    read_gguf(source)
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = _CODES[kind]
    parameters.allow_requantize = True
    temporary = unfinished(target)
    try:
        with log.kept() as lines:
            code = llama_cpp.llama_model_quantize(
                os.fsencode(source), os.fsencode(temporary), ctypes.byref(parameters)
            )
        if code != 0:
            raise QuantiseError(f"{source} as {kind}: llama.cpp failed: {log.reason(lines)}")
        read_gguf(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, HeaderError) as error:
        raise QuantiseError(f"{source} as {kind}, into {target}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
