"""Log-probabilities over a trie: every token decoded once, logits only where they are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.engine import Proposals, Propose, Score, Scores
from models.llama.context import Context
from models.llama.decode import Beat, Gap, decode_trie
from models.trie import build, prefixes


def score(context: Context, request: Score, beat: Beat, gap: Gap) -> Scores:
    trie = build(request.segments)
    found: dict[int, float] = {}

    scratch = np.empty(context.n_vocab, np.float32)

    def read(node: int, logits: NDArray[np.float32]) -> None:
        normaliser = _logsumexp(logits, scratch)
        for child in trie.wanted[node]:
            found[child] = float(logits[trie.tokens[child]] - normaliser)

    unique, decoded = decode_trie(context, trie, trie.wanted, read, beat, gap)
    logprobs = tuple(tuple(found[node] for node in nodes) for nodes in trie.reads if nodes)
    return Scores(logprobs=logprobs, unique=unique, decoded=decoded)


def propose(context: Context, request: Propose, beat: Beat, gap: Gap) -> Proposals:
    trie = prefixes(request)
    ends = [path[-1] for path in trie.paths]
    best: dict[int, tuple[tuple[int, float], ...]] = {}

    scratch = np.empty(context.n_vocab, np.float32)

    def read(node: int, logits: NDArray[np.float32]) -> None:
        order = _largest(logits, request.k)
        normaliser = _logsumexp(logits, scratch)
        best[node] = tuple((int(token), float(logits[token] - normaliser)) for token in order)

    unique, decoded = decode_trie(context, trie, set(ends), read, beat, gap)
    return Proposals(tokens=tuple(best[node] for node in ends), unique=unique, decoded=decoded)


def _largest(logits: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The indices of the ``k`` largest, in descending order; of equal ones the first comes first.
    Only those are sorted: a vocabulary has up to 262,144 tokens."""
    k = min(k, len(logits))
    least = np.partition(logits, -k)[-k]
    candidates = np.flatnonzero(logits >= least)
    return candidates[np.argsort(-logits[candidates], kind="stable")][:k]


def _logsumexp(logits: NDArray[np.float32], scratch: NDArray[np.float32]) -> np.float32:
    """Computes in float32 in ``scratch``, as large as ``logits``, so that no row takes new
    memory."""
    peak = logits.max()
    np.exp(np.subtract(logits, peak, out=scratch), out=scratch)
    return np.float32(peak + np.log(scratch.sum()))
