"""Makes a body or a twin in a child process of its own: native code stays out of the caller."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from models.egress import refuse_network

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class MakeError(Exception):
    """What was to be made could not be; the message says why."""


def make(what: str, source: Path, target: Path, kind: str = "") -> None:
    """``what`` is ``body`` (a GGUF requantised as ``kind``) or ``twin`` (a safetensors folder)."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "models.make", what, str(source), str(target), kind],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | OFFLINE,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise MakeError(f"{target.name} could not be made of {source}: {lines[-1]}")


def main(what: str, source: str, target: str, kind: str) -> None:
    refuse_network()
    if what == "twin":
        from models.twin.load import make_twin

        make_twin(Path(source), Path(target))
    else:
        from models.llama.quantise import quantise

        quantise(Path(source), Path(target), kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
