"""Log-probabilities over a trie: every token decoded once, logits only where they are read."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import numpy as np
from numpy.typing import NDArray

from models.engine import Proposals, Propose, Score, Scores
from models.llama.context import MAX_SEQUENCES, TRUNK, Context
from models.llama.schedule import Extend, Retract, Step, schedule
from models.trie import Trie, build, prefixes

Beat = Callable[[int, int], None]
Reader = Callable[[int, NDArray[np.float32]], None]


def score(context: Context, request: Score, beat: Beat) -> Scores:
    trie = build(request.segments)
    found: dict[int, float] = {}

    def read(node: int, logits: NDArray[np.float32]) -> None:
        normaliser = _logsumexp(logits)
        for child in trie.wanted[node]:
            found[child] = float(logits[trie.tokens[child]] - normaliser)

    unique, decoded = decode_trie(context, trie, trie.wanted, read, beat)
    logprobs = tuple(tuple(found[node] for node in nodes) for nodes in trie.reads if nodes)
    return Scores(logprobs=logprobs, unique=unique, decoded=decoded)


def propose(context: Context, request: Propose, beat: Beat) -> Proposals:
    trie = prefixes(request)
    ends = [path[-1] for path in trie.paths]
    best: dict[int, tuple[tuple[int, float], ...]] = {}

    def read(node: int, logits: NDArray[np.float32]) -> None:
        order = np.argsort(-logits, kind="stable")[: request.k]
        normaliser = _logsumexp(logits)
        best[node] = tuple((int(token), float(logits[token] - normaliser)) for token in order)

    unique, decoded = decode_trie(context, trie, set(ends), read, beat)
    return Proposals(tokens=tuple(best[node] for node in ends), unique=unique, decoded=decoded)


def decode_trie(
    context: Context, trie: Trie, wanted: Container[int], read: Reader, beat: Beat
) -> tuple[int, int]:
    """Decodes what the wanted nodes need; ``read`` gets the logits of each once. Returns how many
    tokens that takes, and how many were computed.

    The trunk of a request that has only one stays in memory. The next request skips it if its own
    is exactly the same, and is computed just as if it had not: no reply depends on the past.
    """
    context.check(trie.tokens, max(trie.depths, default=-1) + 1)
    needed = trie.needed(wanted)
    steps = list(schedule(trie, needed, context.batch, MAX_SEQUENCES - 1))
    trunk = _only_trunk(trie, steps, wanted)
    unique = computed = sum(needed)
    if trunk and trunk == context.resident:
        steps = steps[1:]
        computed -= len(trunk)
    else:
        context.clear()
    done = 0
    for step in steps[: -1 if trunk else None]:
        if isinstance(step, Retract):
            context.forget(TRUNK, step.depth)
            continue
        if isinstance(step, Extend):
            sequences = [[TRUNK]] * len(step.nodes)
        else:
            context.fork(step.width)
            sequences = [list(range(span.start + 1, span.stop + 1)) for span in step.leaves]
        for start in range(0, len(step.nodes), context.batch):
            nodes = step.nodes[start : start + context.batch]
            flags = [node in wanted for node in nodes]
            rows = context.decode(
                [trie.tokens[node] for node in nodes],
                [trie.depths[node] for node in nodes],
                sequences[start : start + context.batch],
                flags,
            )
            readers = (node for node, flag in zip(nodes, flags, strict=True) if flag)
            for node, row in zip(readers, rows, strict=True):
                read(node, row)
            done += len(nodes)
            beat(done, computed)
        if not isinstance(step, Extend):
            for sequence in range(1, step.width + 1):
                context.forget(sequence)
    context.resident = trunk
    return unique, computed


def _only_trunk(trie: Trie, steps: Sequence[Step], wanted: Container[int]) -> tuple[int, ...]:
    """The tokens of the trunk under which all of the request hangs; none if something is read on
    it, or if there are several."""
    if not steps or not isinstance(steps[0], Extend):
        return ()
    at_root = [step for step in steps if isinstance(step, Retract) and step.depth == 0]
    if len(at_root) != 1 or steps[-1] is not at_root[0]:
        return ()
    nodes = steps[0].nodes
    return () if any(n in wanted for n in nodes) else tuple(trie.tokens[n] for n in nodes)


def _logsumexp(logits: NDArray[np.float32]) -> np.float32:
    peak = logits.max()
    return np.float32(peak + np.log(np.exp(logits - peak).sum(dtype=np.float32)))
