"""Makes a body or a twin in a child process of its own, so that the caller loads no native code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KINDS = ("BF16", "F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K")
"""The types that a GGUF can be requantised as, the most faithful first."""


class MakeError(Exception):
    """A body or twin could not be made; the message says why."""


def make(what: str, source: Path, target: Path, kind: str = "") -> None:
    """Makes a ``body`` (a GGUF requantised as ``kind``) or a ``twin`` (a safetensors folder, from a
    GGUF or from another such folder). The child says on stdout why it failed, and ends with this
    process."""
    command = [sys.executable, "-P", "-m", "models.make_child", what, str(source), str(target)]
    reads, writes = os.pipe()
    try:
        done = subprocess.run(
            [*command, kind], stdin=reads, capture_output=True, text=True, errors="replace"
        )
    finally:
        os.close(reads)
        os.close(writes)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        lost = f"{target.name} could not be made of {source}: {lines[-1]}"
        raise MakeError(done.stdout.strip() or lost)
