"""Makes a body or a twin in a child process of its own, so that the caller loads no native code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

KINDS = ("BF16", "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K")
"""The types that a GGUF can be requantised as, the most faithful first."""

POLL_SECONDS = 0.2


class MakeError(Exception):
    """A body or twin could not be made; the message says why."""


def make(
    what: str,
    source: Path,
    target: Path,
    kind: str = "",
    between: Callable[[], None] | None = None,
) -> None:
    """Makes a ``body`` (a GGUF requantised as ``kind``) or a ``twin`` (a safetensors folder, from a
    GGUF or from another such folder).

    The child says on stdout why it failed, and ends with this process. ``between`` is called now
    and then; an exception that it raises ends the child. Nothing is left behind but a ``target``
    that is complete.
    """
    command = [sys.executable, "-P", "-m", "models.make_child", what, str(source), str(target)]
    reads, writes = os.pipe()
    child = subprocess.Popen(
        [*command, kind],
        stdin=reads,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        said, printed = _ended(child, between)
    except BaseException:
        child.kill()
        child.communicate()
        raise
    finally:
        os.close(reads)
        os.close(writes)
        _remove(unfinished(target))
    if child.returncode:
        lines = printed.strip().splitlines() or [f"exit code {child.returncode}"]
        lost = f"{target.name} could not be made of {source}: {lines[-1]}"
        raise MakeError(said.strip() or lost)


def unfinished(target: Path) -> Path:
    """Where a body or a twin is made before it takes its place, beside the ``target``."""
    return target.with_name(f".{target.name}.tmp")


def _ended(child: subprocess.Popen[str], between: Callable[[], None] | None) -> tuple[str, str]:
    while True:
        try:
            return child.communicate(timeout=POLL_SECONDS if between else None)
        except subprocess.TimeoutExpired:
            if between:
                between()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
