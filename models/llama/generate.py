"""Seeded sampling of several continuations of one prompt, which is decoded once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.engine import Generate, Generated
from models.llama.context import MAX_SEQUENCES, TRUNK, Context
from models.llama.score import Beat
from models.llama.text import Vocabulary
from models.trie import BadRequest


def generate(context: Context, vocabulary: Vocabulary, request: Generate, beat: Beat) -> Generated:
    """Raises BadRequest for an empty prompt and for one that leaves no room for ``max_tokens``."""
    prompt, count = request.prompt, request.n
    if not prompt:
        raise BadRequest("cannot generate from an empty prompt")
    if not 1 <= count <= min(context.batch, MAX_SEQUENCES - 1):
        raise BadRequest(f"cannot sample {count} continuations at once")
    context.check(prompt, len(prompt) + request.max_tokens)
    if len(prompt) + count * request.max_tokens > context.n_ctx:
        raise BadRequest(
            f"{count} x {request.max_tokens} tokens after a prompt of {len(prompt)} "
            f"need more than {context.n_ctx} cells"
        )
    context.clear()
    for start in range(0, len(prompt), context.batch):
        tokens = prompt[start : start + context.batch]
        last = start + len(tokens) == len(prompt)
        positions = range(start, start + len(tokens))
        flags = [False] * (len(tokens) - 1) + [last]
        rows = context.decode(tokens, positions, [[TRUNK]] * len(tokens), flags)
    context.fork(count)

    samplers = [_Sampler(request, index) for index in range(count)]
    written: list[list[int]] = [[] for _ in range(count)]
    alive = list(range(count))
    logits = np.repeat(rows, count, axis=0)
    for length in range(request.max_tokens):
        going: list[int] = []
        for index, row in zip(alive, logits, strict=True):
            token = samplers[index].pick(row)
            if vocabulary.ends_generation(token):
                continue
            written[index].append(token)
            if not _stopped(vocabulary.text(written[index]), request.stop):
                going.append(index)
        alive = going
        beat(length + 1, request.max_tokens)
        if not alive or length + 1 == request.max_tokens:
            break
        logits = context.decode(
            [written[index][-1] for index in alive],
            [len(prompt) + length] * len(alive),
            [[index + 1] for index in alive],
            [True] * len(alive),
        )
    texts = tuple(_cut(vocabulary.text(tokens), request.stop) for tokens in written)
    return Generated(texts=texts, decoded=len(prompt), sampled=sum(map(len, written)))


class _Sampler:
    """Temperature, then top-k, then top-p, from a stream of its own for each continuation."""

    def __init__(self, request: Generate, index: int) -> None:
        self.request = request
        self.random = np.random.Generator(np.random.PCG64([request.seed, index]))

    def pick(self, logits: NDArray[np.float32]) -> int:
        if self.request.temperature == 0:
            return int(logits.argmax())
        order = np.argsort(-logits, kind="stable")[: self.request.top_k or None]
        scaled = logits[order].astype(np.float64) / self.request.temperature
        chances = np.exp(scaled - scaled[0])
        chances /= chances.sum()
        kept = int(np.searchsorted(chances.cumsum(), self.request.top_p)) + 1
        chances = chances[:kept] / chances[:kept].sum()
        drawn = int(np.searchsorted(chances.cumsum(), self.random.random()))
        return int(order[min(drawn, kept - 1)])


def _stopped(text: str, stops: tuple[str, ...]) -> bool:
    return any(stop in text for stop in stops)


def _cut(text: str, stops: tuple[str, ...]) -> str:
    ends = [text.index(stop) for stop in stops if stop in text]
    return text[: min(ends)] if ends else text
