"""Keeps llama.cpp quiet, and says why it refused something."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import llama_cpp as C

ERROR = 4
"""ggml.h: GGML_LOG_LEVEL_ERROR."""

_kept: list[str] | None = None


@contextmanager
def kept() -> Iterator[list[str]]:
    """Yields a list that receives llama.cpp's error lines while the block runs."""
    global _kept
    lines = _kept = []
    try:
        yield lines
    finally:
        _kept = None


def reason(lines: Sequence[str]) -> str:
    """The line that says most: llama.cpp ends with one that says only that loading failed."""
    told = [line for line in lines if "failed to load model" not in line]
    last = (told or lines or ["it does not say why"])[-1]
    return last.rpartition("error loading model: ")[2]


def _keep(level: int, text: bytes, data: ctypes.c_void_p) -> None:
    if _kept is not None and level == ERROR and (line := text.decode(errors="replace").strip()):
        _kept.append("".join(c if c.isprintable() else " " for c in line))


# llama.cpp keeps only the pointer: the callback has to outlive every call.
_callback = C.llama_log_callback(_keep)
C.llama_log_set(_callback, ctypes.c_void_p(0))
