"""How much memory a model needs, how much there is, and which process ends first when it runs
out."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

from models.headers import GgufHeader

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
OOM_SCORE = Path("/proc/self/oom_score_adj")
NVIDIA = Path("/dev/nvidiactl")
OVERHEAD = 128 << 20
"""Bytes for Python, libraries and graphs, in addition to a model's own."""

CELLS, BATCH = 4096, 512
"""The cells of the context that a model is loaded with, and the tokens computed at a time."""

_CELL_BYTES = 2
_LOGIT_BYTES = 4


class MemoryShort(MemoryError):
    """A model that this machine cannot hold now; the message says what is short and what to do."""


LESS = "close other programs, or use a smaller model or quantisation"


def check(needed: int, what: str, remedy: str = LESS) -> None:
    """Raises MemoryShort where ``needed`` bytes are not available."""
    free = available()
    if free is not None and needed > free:
        raise MemoryShort(
            f"{what} needs about {_gigabytes(needed)}, {_gigabytes(free)} are available: {remedy}"
        )


def needed_by_gguf(header: GgufHeader, n_ctx: int, batch: int) -> int:
    """Bytes of the weights and of a context."""
    return header.tensor_bytes + needed_by_context(header, n_ctx, batch) + OVERHEAD


def needed_by_context(header: GgufHeader, n_ctx: int, batch: int) -> int:
    """Bytes of the keys and values of every layer for each cell, in 16 bits, and of two batches of
    logits."""
    values, name = header.metadata, header.architecture

    def number(key: str, usual: int) -> int:
        value = values.get(f"{name}.{key}", usual)
        return value if isinstance(value, int) else usual

    heads = number("attention.head_count", 1)
    width = number("embedding_length", 0)
    depth = number("attention.key_length", width // max(heads, 1))
    wide = depth + number("attention.value_length", depth)
    shared = number("attention.head_count_kv", heads)
    cells = n_ctx * number("block_count", 0) * shared * wide * _CELL_BYTES
    return cells + 2 * batch * header.vocabulary * _LOGIT_BYTES


def available() -> int | None:
    """Bytes available without swapping, within the limit of a control group (version 2); None where
    this system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        counts = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no limit, or another kind of group
        return free
    # Files that were read once count as used until somebody else needs the room.
    cached = int(counts.get("inactive_file", 0))
    return min(free, max(limit - used + cached, 0))


def confine() -> None:
    """Makes this process dump no core, take no more memory than is available now, and be the first
    to be killed when memory runs out: losing a worker costs one request, losing the runner or the
    desktop costs more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    free = available()
    if free is not None and not NVIDIA.exists():  # NVIDIA's driver maps more than it uses
        resource.setrlimit(resource.RLIMIT_DATA, (free, free))
    with suppress(OSError):  # where it cannot be set, the kernel chooses
        OOM_SCORE.write_text("1000")


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
