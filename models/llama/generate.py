"""Many continuations at once, each making room for the next as it ends.

Continuous batching (Yu et al., Orca, OSDI 2022) over one context. Prompts are admitted in sorted
order, so that one can begin as a copy of a neighbour in memory: what they share is decoded once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.engine import Continuation, Generate, Generated, Segment
from models.llama.context import MAX_SEQUENCES, Context
from models.llama.decode import Beat
from models.llama.sample import Sampler, grammar_of
from models.llama.text import Vocabulary
from models.trie import BadRequest, Trie, build


def generate(context: Context, vocabulary: Vocabulary, request: Generate, beat: Beat) -> Generated:
    """Raises BadRequest for a request that is malformed or has a prompt that leaves no room for
    ``max_tokens``."""
    _check(context, request)
    job = _Job(context, vocabulary, request)
    most = len(request.prompts) * request.n * request.max_tokens
    try:
        while job.step():
            beat(job.sampled, most)
    finally:
        job.close()
    return Generated(
        written=tuple(tuple(several) for several in job.written),
        unique=len(job.trie),
        decoded=job.decoded,
        sampled=job.sampled,
    )


@dataclass(slots=True, eq=False)
class _Writer:
    """A continuation on its way. ``tokens`` are its prompt's and its own, of which ``done`` are in
    memory or in the batch that is being put together."""

    prompt: int
    index: int
    sequence: int
    tokens: list[int]
    done: int
    sampler: Sampler
    own: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    size: int
    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    sequences: list[list[int]] = field(default_factory=list)
    readers: dict[int, list[_Writer]] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.tokens) == self.size

    def feed(self, writer: _Writer) -> None:
        """As many of the writer's next tokens as there is room for."""
        end = min(len(writer.tokens), writer.done + self.size - len(self.tokens))
        for position in range(writer.done, end):
            self.tokens.append(writer.tokens[position])
            self.positions.append(position)
            self.sequences.append([writer.sequence])
        if writer.done < end == len(writer.tokens):
            self.readers[len(self.tokens) - 1] = [writer]
        writer.done = end

    def reads(self, source: _Writer, depth: int) -> list[_Writer] | None:
        """Who reads the source's token at that depth, if it is in this batch."""
        for place, readers in self.readers.items():
            if source.sequence in self.sequences[place] and self.positions[place] == depth:
                return readers
        return None

    def share(self, source: _Writer, sequence: int, depth: int) -> None:
        """The source's tokens of this batch above ``depth`` are another sequence's, too."""
        for position, sequences in zip(self.positions, self.sequences, strict=True):
            if source.sequence in sequences and position < depth:
                sequences.append(sequence)

    def decode(self, context: Context) -> NDArray[np.float32]:
        wanted = [place in self.readers for place in range(len(self.tokens))]
        return context.decode(self.tokens, self.positions, self.sequences, wanted)


class _Job:
    """``stem`` is the writer that was admitted last: its prompt stays in memory for the next one,
    even after it has ended."""

    def __init__(self, context: Context, vocabulary: Vocabulary, request: Generate) -> None:
        self.context = context
        self.vocabulary = vocabulary
        self.request = request
        self.grammar = grammar_of(request)
        self.trie = build([Segment(-1, prompt) for prompt in request.prompts])
        order = sorted(range(len(request.prompts)), key=request.prompts.__getitem__)
        self.waiting = deque((prompt, index) for prompt in order for index in range(request.n))
        self.writers: list[_Writer] = []
        self.stem: _Writer | None = None
        self.free = list(range(MAX_SEQUENCES))
        self.cells = _Cells(self.trie, int(context.n_ctx), request.max_tokens)
        blank = Continuation("", (), False)
        self.written = [[blank] * request.n for _ in request.prompts]
        self.decoded = self.sampled = 0
        context.clear()

    def step(self) -> bool:
        """Decodes one batch and draws the tokens it leads to; false when all is written."""
        if not (self.writers or self.waiting):
            return False
        batch = _Batch(self.context.batch)
        for writer in self.writers:
            batch.feed(writer)
        while self.waiting and self._admit(batch):
            pass
        rows = batch.decode(self.context)
        self.decoded += len(batch.tokens)
        for row, readers in zip(
            rows, [batch.readers[p] for p in sorted(batch.readers)], strict=True
        ):
            for writer in readers:
                self._write(writer, row)
        return True

    def _admit(self, batch: _Batch) -> bool:
        """The next continuation begins in this batch, if there is room for it."""
        prompt, index = self.waiting[0]
        if batch.full or not self.free:
            return False
        if not self.cells.fit(prompt):
            if self.writers or not self.stem:
                return False
            self._release(self.stem)
            self.stem = None
        tokens = self.request.prompts[prompt]
        source, shared = self._neighbour(prompt)
        readers = None
        if source and shared > source.done:
            return False
        if source and shared == len(tokens):
            readers = batch.reads(source, shared - 1)
            shared -= readers is None
        self.waiting.popleft()
        sequence = self.free.pop()
        self.cells.take(prompt)
        if source:
            self.context.copy(source.sequence, sequence, shared)
            batch.share(source, sequence, shared)
        number = prompt * self.request.n + index
        sampler = Sampler(self.vocabulary.vocab, self.request, number, self.grammar)
        writer = _Writer(prompt, index, sequence, list(tokens), shared, sampler)
        self.writers.append(writer)
        if readers is None:
            batch.feed(writer)
        else:
            readers.append(writer)
        if self.stem and self.stem not in self.writers:
            self._release(self.stem)
        self.stem = writer
        return True

    def _neighbour(self, prompt: int) -> tuple[_Writer | None, int]:
        """Of what is in memory the sequence that shares most with the prompt, and how much."""
        path = self.trie.paths[prompt]
        shared = [(_common(self.trie.paths[w.prompt], path), w) for w in self.writers]
        if self.stem and self.stem not in self.writers:
            left = self.trie.paths[self.stem.prompt][: self.stem.done]
            shared.append((_common(left, path), self.stem))
        depth, writer = max(shared, key=lambda pair: pair[0], default=(0, None))
        return (writer, depth) if depth else (None, 0)

    def _write(self, writer: _Writer, row: NDArray[np.float32]) -> None:
        token = writer.sampler.pick(row)
        self.sampled += token >= 0
        if token < 0 or self.vocabulary.ends_generation(token):
            self._end(writer, ended=token >= 0)
            return
        writer.own.append(token)
        writer.tokens.append(token)
        stopped = _stop(self.vocabulary.text(writer.own), self.request.stop) is not None
        if stopped or len(writer.own) == self.request.max_tokens:
            self._end(writer, ended=stopped)

    def _end(self, writer: _Writer, *, ended: bool) -> None:
        text = self.vocabulary.text(writer.own)
        text = text[: _stop(text, self.request.stop)]
        found = Continuation(text, tuple(writer.own), ended)
        self.written[writer.prompt][writer.index] = found
        writer.sampler.close()
        self.writers.remove(writer)
        if writer is self.stem:
            # Its last token was read: whoever comes next has to decode that one for itself.
            writer.done = len(self.request.prompts[writer.prompt]) - 1
            self.context.forget(writer.sequence, writer.done)
        else:
            self._release(writer)

    def _release(self, writer: _Writer) -> None:
        self.context.forget(writer.sequence)
        self.cells.give(writer.prompt)
        self.free.append(writer.sequence)

    def close(self) -> None:
        for writer in self.writers:
            writer.sampler.close()


class _Cells:
    """How many of the context's cells are spoken for: each prompt token in memory once, and for
    each continuation as many as it may write."""

    def __init__(self, trie: Trie, total: int, each: int) -> None:
        self.paths = trie.paths
        self.holders = [0] * len(trie)
        self.each = each
        self.left = total

    def fit(self, prompt: int) -> bool:
        new = sum(not self.holders[node] for node in self.paths[prompt])
        return new + self.each <= self.left

    def take(self, prompt: int) -> None:
        for node in self.paths[prompt]:
            self.left -= not self.holders[node]
            self.holders[node] += 1
        self.left -= self.each

    def give(self, prompt: int) -> None:
        for node in self.paths[prompt]:
            self.holders[node] -= 1
            self.left += not self.holders[node]
        self.left += self.each


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many nodes two paths of one trie share."""
    return bisect_left(range(min(len(one), len(other))), True, key=lambda i: one[i] != other[i])


def _stop(text: str, stops: tuple[str, ...]) -> int | None:
    """Where the first stop string begins."""
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
        context.check(prompt, len(prompt) + request.max_tokens)
