"""Makes a body or a twin in a child process of its own, so that the caller loads no native code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KINDS = ("BF16", "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K")
"""The types that a GGUF can be requantised as, the most faithful first."""

POLL_SECONDS = 0.2

NO_ROOM = 3
"""The exit code of a child that lacked memory."""


class MakeError(Exception):
    """A body or twin could not be made; the message says why."""


class NoRoom(MakeError):
    """Memory did not hold what was to be made."""


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
    with _held_pipe() as reads:
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
            remove_unfinished(target)
    if child.returncode:
        lines = printed.strip().splitlines() or [f"exit code {child.returncode}"]
        if child.returncode < 0:
            lines = ["the process that made it was killed, as where memory runs out"]
        why = said.strip() or f"{target.name} could not be made of {source}: {lines[-1]}"
        lacking = child.returncode < 0 or child.returncode == NO_ROOM
        raise NoRoom(why) if lacking else MakeError(why)


def unfinished(target: Path) -> Path:
    """Where a body or a twin is made before it takes its place, beside the ``target``."""
    return target.with_name(f".{target.name}.tmp")


def remove_unfinished(target: Path) -> None:
    """Removes what is left of a ``target`` that was not completed, as far as that is possible."""
    shutil.rmtree(unfinished(target), ignore_errors=True)
    with suppress(OSError):
        unfinished(target).unlink(missing_ok=True)


@contextmanager
def _held_pipe() -> Iterator[int]:
    """Yields the reading end of a pipe, which hangs up when this process ends."""
    reads, writes = os.pipe()
    try:
        yield reads
    finally:
        os.close(reads)
        os.close(writes)


def _ended(child: subprocess.Popen[str], between: Callable[[], None] | None) -> tuple[str, str]:
    """What the child said and what it printed."""
    while True:
        try:
            return child.communicate(timeout=POLL_SECONDS if between else None)
        except subprocess.TimeoutExpired:
            if between:
                between()
