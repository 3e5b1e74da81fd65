"""The memory in which continuations are written; each has a stream of cells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.llama.context import Context, Model
from models.memory import check, needed_by_context

MOST = 32
"""The most continuations at once; on a CPU twice as many write a tenth faster, for twice the
memory."""

PADDING = 256
"""llama.cpp gives a stream a multiple of this many cells."""


class Streams:
    """About ``cells`` cells in addition to a model's context; more where two streams of the longest
    continuation need them. They are allocated when something is first written and kept."""

    def __init__(self, model: Model, *, cells: int, batch: int, threads: int) -> None:
        self.model = model
        self.cells = cells
        self.batch = batch
        self.threads = threads
        self._kept: Context | None = None

    def width(self, longest: int) -> int:
        """How many continuations of ``longest`` tokens, prompt included, are written at once. It
        depends on nothing else, so that equal requests are computed in equal steps."""
        return min(MOST, max(1, self.cells // _padded(longest) - 1))  # one stream holds the prompt

    @contextmanager
    def opened(self, count: int, longest: int) -> Iterator[Context]:
        """Yields a context of at least ``count`` streams of ``longest`` cells. Raises
        MemoryShort."""
        context, self._kept = self._kept, None
        if context and not self._serves(context, count, longest):
            context.close()
            context = None
        context = context or self._made(count, _padded(longest))
        try:
            yield context
        finally:
            context.clear()
            if self._kept:
                self._kept.close()
            self._kept = context

    def _serves(self, context: Context, count: int, longest: int) -> bool:
        if self.model.two_ropes:  # A larger context would give the model other positions.
            longest = _padded(longest)
            return context.streams >= count and context.n_ctx == context.streams * longest
        return context.streams >= count and context.n_ctx >= context.streams * longest

    def _made(self, count: int, each: int) -> Context:
        if not self.model.gpu_layers:
            needed = needed_by_context(self.model.header, count * each, self.batch)
            check(needed, f"writing {count - 1} continuations of up to {each} tokens at once")
        return Context(
            self.model,
            n_ctx=count * each,
            batch=self.batch,
            threads=self.threads,
            streams=count,
        )


def _padded(longest: int) -> int:
    return -(-longest // PADDING) * PADDING
