"""Writes many continuations at once; when one ends, the next takes its place.

This is continuous batching (Yu et al., Orca, OSDI 2022). Every continuation has a stream of cells
of its own, in which a token attends to its own past and nothing else. In one memory for all, a
token would pass over the cells of the others too; from 32 continuations on, that costs more than
the model itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.engine import Continuation, Generate, Generated, Segment
from models.llama.context import Context
from models.llama.decode import Beat, Gap
from models.llama.sample import Sampler, grammar_of
from models.llama.streams import Streams
from models.llama.text import Vocabulary
from models.trie import BadRequest, build


def generate(
    limits: Context,
    streams: Streams,
    vocabulary: Vocabulary,
    request: Generate,
    beat: Beat,
    gap: Gap,
) -> Generated:
    """Writes the continuations. Each ends where a context like ``limits`` does, if not before.

    Raises BadRequest for a request that is malformed or has a prompt that leaves no room.
    """
    _check(limits, request)
    longest = min(max(map(len, request.prompts)) + request.max_tokens, limits.longest)
    count = min(streams.width(longest), len(request.prompts) * request.n)
    with streams.opened(count + 1, longest) as memory:
        job = _Job(memory, count, longest, vocabulary, request, beat, gap)
        try:
            while job.step():
                pass
        finally:
            job.close()
    return Generated(
        written=tuple(tuple(several) for several in job.written),
        unique=len(build([Segment(-1, prompt) for prompt in request.prompts])),
        decoded=job.decoded,
        sampled=job.sampled,
    )


@dataclass(slots=True, eq=False)
class _Writer:
    """A continuation being written; ``depth`` counts its tokens in memory, prompt included."""

    prompt: int
    index: int
    depth: int
    sampler: Sampler
    own: list[int] = field(default_factory=list)


class _Job:
    """The state of one request. ``writers[i]`` writes in stream i; llama.cpp computes adjacent
    streams together. The stream after all writers' is the stem, which holds the prompt that was
    read last."""

    def __init__(
        self,
        memory: Context,
        stem: int,
        longest: int,
        vocabulary: Vocabulary,
        request: Generate,
        beat: Beat,
        gap: Gap,
    ) -> None:
        self.memory = memory
        self.stem = stem
        self.longest = longest
        self.vocabulary = vocabulary
        self.request = request
        self.grammar = grammar_of(request)
        self.beat = beat
        self.gap = gap
        self.most = len(request.prompts) * request.n * request.max_tokens
        self.starts = self._starts()
        self.writers: list[_Writer] = []
        blank = Continuation("", (), False)
        self.written = [[blank] * request.n for _ in request.prompts]
        self.decoded = self.sampled = 0

    def close(self) -> None:
        for writer in self.writers:
            writer.sampler.close()

    def step(self) -> bool:
        """Fills the free streams and writes one more token of every continuation; returns whether
        there was anything to write."""
        while len(self.writers) < self.stem and (found := next(self.starts, None)):
            self._begin(*found)
        if not self.writers:
            return False
        rows = self._decode(
            [writer.own[-1] for writer in self.writers],
            [writer.depth for writer in self.writers],
            range(len(self.writers)),
            [True] * len(self.writers),
        )
        for writer in self.writers:
            writer.depth += 1
        on = [self._goes_on(w, row) for w, row in zip(self.writers, rows, strict=True)]
        for stream in reversed(range(len(on))):
            if not on[stream]:
                self._leave(stream)
        return True

    def _starts(self) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        """Yields for every continuation its prompt's number, its own and the logits after the
        prompt.

        Prompts come in sorted order: what one shares with the one before is on the stem already.
        """
        prompts = self.request.prompts
        before: Sequence[int] = ()
        for prompt in sorted(range(len(prompts)), key=prompts.__getitem__):
            tokens = prompts[prompt]
            if tokens != before:
                logits = self._read(tokens, _common(before, tokens))
                before = tokens
            for index in range(self.request.n):
                yield prompt, index, logits

    def _read(self, tokens: Sequence[int], known: int) -> NDArray[np.float32]:
        """The logits after a prompt whose first ``known`` tokens are on the stem already."""
        self.memory.forget(self.stem, known)
        size = self.memory.batch
        for start in range(known, len(tokens), size):
            some = tokens[start : start + size]
            wanted = [start + place == len(tokens) - 1 for place in range(len(some))]
            rows = self._decode(some, range(start, start + size), [self.stem] * len(some), wanted)
        logits: NDArray[np.float32] = rows[0].copy()
        return logits

    def _decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        streams: Sequence[int],
        wanted: Sequence[bool],
    ) -> NDArray[np.float32]:
        if self.decoded:
            self.gap()
        rows = self.memory.decode(tokens, positions, [[stream] for stream in streams], wanted)
        self.decoded += len(tokens)
        self.beat(self.sampled, self.most)
        return rows

    def _begin(self, prompt: int, index: int, logits: NDArray[np.float32]) -> None:
        number = prompt * self.request.n + index
        sampler = Sampler(self.vocabulary.vocab, self.request, number, self.grammar)
        writer = _Writer(prompt, index, len(self.request.prompts[prompt]), sampler)
        self.writers.append(writer)
        if self._goes_on(writer, logits):
            self.memory.copy(self.stem, len(self.writers) - 1)
        else:
            self.writers.pop()

    def _leave(self, stream: int) -> None:
        """Moves the last continuation into the stream of one that has ended."""
        last = self.writers.pop()
        if stream < len(self.writers):
            self.memory.copy(len(self.writers), stream)
            self.writers[stream] = last
        self.memory.forget(len(self.writers))

    def _goes_on(self, writer: _Writer, logits: NDArray[np.float32]) -> bool:
        """Draws the next token and returns whether the continuation goes on; records one that
        ended."""
        token = writer.sampler.pick(logits)
        self.sampled += token >= 0
        if token < 0 or self.vocabulary.ends_generation(token):
            self._end(writer, ended=token >= 0)
            return False
        writer.own.append(token)
        stopped = _stop(self.vocabulary.text(writer.own), self.request.stop) is not None
        room = self.longest - len(self.request.prompts[writer.prompt])
        if stopped or len(writer.own) == min(self.request.max_tokens, room):
            self._end(writer, ended=stopped)
            return False
        return True

    def _end(self, writer: _Writer, *, ended: bool) -> None:
        text = self.vocabulary.text(writer.own)
        text = text[: _stop(text, self.request.stop)]
        found = Continuation(text, tuple(writer.own), ended)
        self.written[writer.prompt][writer.index] = found
        writer.sampler.close()


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """The number of tokens at the beginning that two prompts share."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _stop(text: str, stops: tuple[str, ...]) -> int | None:
    """The index at which the first stop string begins, or None."""
    return min((text.index(stop) for stop in stops if stop in text), default=None)


def _check(context: Context, request: Generate) -> None:
    if not request.prompts or not all(request.prompts):
        raise BadRequest("cannot generate from an empty prompt")
    if request.n < 1 or request.max_tokens < 1:
        raise BadRequest(
            f"cannot write {request.n} continuations of {request.max_tokens} tokens each"
        )
    if not (math.isfinite(request.temperature) and request.temperature >= 0):
        raise BadRequest(f"the temperature is {request.temperature}, not 0 or more")
    if request.top_k < 0 or not 0 < request.top_p <= 1 or not 0 <= request.min_p <= 1:
        raise BadRequest(
            f"top-k {request.top_k}, top-p {request.top_p}, min-p {request.min_p}: top-k is 0 or "
            "more, top-p above 0 and up to 1, min-p from 0 to 1"
        )
    if not all(request.stop):
        raise BadRequest("a stop string is empty")
    for prompt in request.prompts:
        context.check(prompt, len(prompt) + 1)
