"""Makes other bodies of a model: llama.cpp requantises its GGUF."""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.headers import HeaderError, read_gguf
from models.headers.ggml import FILE_TYPES
from models.make import KINDS

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
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = _CODES[kind]
    parameters.allow_requantize = True
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        with _log_kept(llama_cpp) as last:
            code = llama_cpp.llama_model_quantize(
                os.fsencode(source), os.fsencode(temporary), ctypes.byref(parameters)
            )
        if code != 0:
            raise QuantiseError(f"{source} as {kind}: llama.cpp failed: {''.join(last).strip()}")
        read_gguf(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, HeaderError) as error:
        raise QuantiseError(f"{source} as {kind}, into {target}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _log_kept(llama_cpp: Any) -> Iterator[deque[str]]:
    """Keeps llama.cpp's last log line instead of printing on stderr, then restores the logger."""
    last: deque[str] = deque(maxlen=1)

    def keep(level: int, text: bytes, data: int | None) -> None:
        last.append(text.decode(errors="replace"))

    before, data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(before), ctypes.byref(data))
    callback = llama_cpp.llama_log_callback(keep)  # referenced for as long as llama.cpp may call it
    llama_cpp.llama_log_set(callback, None)
    try:
        yield last
    finally:
        llama_cpp.llama_log_set(before, data)
