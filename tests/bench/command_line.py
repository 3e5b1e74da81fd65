"""Strop's command line, for the benchmarks beside."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec


class Refused(Exception):
    """The command line refused the command; the message is its own."""


def strop(*arguments: str) -> dict[str, Any]:
    """The document that a command prints. Raises Refused where it has no answer; a verdict without
    a proven gain is one."""
    command = [sys.executable, "-c", "from appliance.cli import main; main()", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE)
    document: dict[str, Any] = msgspec.json.decode(done.stdout)
    if done.returncode not in (0, 4):
        raise Refused(document["error"])
    return document
