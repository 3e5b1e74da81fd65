"""Decodes a trie in a context: every token once, logits only where they are read."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import numpy as np
from numpy.typing import NDArray

from models.llama.context import MAX_SEQUENCES, TRUNK, Context
from models.llama.schedule import Branch, Extend, Retract, Step, schedule
from models.trie import Trie

Beat = Callable[[int, int], None]
Gap = Callable[[], None]
Reader = Callable[[int, NDArray[np.float32]], None]


def decode_trie(
    context: Context,
    trie: Trie,
    wanted: Container[int],
    read: Reader,
    beat: Beat,
    gap: Gap,
    *,
    states: bool = False,
) -> tuple[int, int]:
    """Decodes what the wanted nodes need; ``read`` gets the logits of each once, or with ``states``
    the final state. Returns the number of tokens needed and the number computed.

    If the whole request hangs from one trunk, the trunk stays in memory. The next request skips it
    if its own trunk is exactly the same, and is otherwise computed in the same batches, so no reply
    depends on earlier requests. A reply does not depend on what is answered in a ``gap`` either:
    the trunk is then computed again in the same batches.
    """
    depth = max(trie.depths, default=-1) + 1
    context.check(trie.tokens, depth)
    context.reserve(depth)
    needed = trie.needed(wanted)
    steps = list(schedule(trie, needed, context.batch, MAX_SEQUENCES - 1))
    only = _only_trunk(trie, steps, wanted)
    decoding = _Decoding(context, trie, wanted, read, beat, gap, sum(needed), depth, states)
    if only and only == context.resident:
        decoding.skip(steps.pop(0))
    else:
        context.clear()
    context.resident = ()
    try:
        for step in steps[: -1 if only else None]:
            decoding.take(step)
    except BaseException:
        context.clear()
        raise
    context.resident = only
    return sum(needed), decoding.computed


class _Decoding:
    """``trunk`` holds the batches that are in memory, in order."""

    def __init__(
        self,
        context: Context,
        trie: Trie,
        wanted: Container[int],
        read: Reader,
        beat: Beat,
        gap: Gap,
        total: int,
        depth: int,
        states: bool,
    ) -> None:
        self.context = context
        self.trie = trie
        self.wanted = wanted
        self.read = read
        self.beat = beat
        self.gap = gap
        self.total = total
        self.depth = depth
        self.states = states
        self.computed = 0
        self.trunk: list[list[int]] = []

    def skip(self, step: Step) -> None:
        """Takes the first step as done, since its nodes are in memory already."""
        assert isinstance(step, Extend)
        self.trunk += self._batches(step.nodes)
        self.total -= len(step.nodes)

    def take(self, step: Step) -> None:
        match step:
            case Extend(nodes):
                for batch in self._batches(nodes):
                    self._pause()
                    self._decode(batch, [[TRUNK]] * len(batch), self.wanted)
                    self.trunk.append(batch)
            case Branch(nodes, leaves):
                self._pause()
                self.context.fork(step.width)
                sequences = [list(range(span.start + 1, span.stop + 1)) for span in leaves]
                self._decode(nodes, sequences, self.wanted)
                for sequence in range(1, step.width + 1):
                    self.context.forget(sequence)
            case Retract(depth):
                self.context.forget(TRUNK, depth)
                while self.trunk and self.trie.depths[self.trunk[-1][0]] >= depth:
                    self.trunk.pop()

    def _batches(self, nodes: list[int]) -> list[list[int]]:
        size = self.context.batch
        return [nodes[start : start + size] for start in range(0, len(nodes), size)]

    def _decode(
        self, nodes: list[int], sequences: Sequence[Sequence[int]], wanted: Container[int]
    ) -> None:
        if self.states:
            self._read_states(nodes, sequences, wanted)
        else:
            flags = [node in wanted for node in nodes]
            rows = self.context.decode(*self._marks(nodes), sequences, flags)
            readers = (node for node, flag in zip(nodes, flags, strict=True) if flag)
            for node, row in zip(readers, rows, strict=True):
                self.read(node, row)
        self.computed += len(nodes)
        self.beat(min(self.computed, self.total), self.total)

    def _read_states(
        self, nodes: list[int], sequences: Sequence[Sequence[int]], wanted: Container[int]
    ) -> None:
        """Computes the nodes whose states are wanted, and those below them, in a batch of their
        own, after the others."""
        late: set[int] = set()
        for node in nodes:
            if node in wanted or self.trie.parents[node] in late:
                late.add(node)
        for is_late in (False, True):
            marks = [m for m in zip(nodes, sequences, strict=True) if (m[0] in late) == is_late]
            if not marks:
                continue
            some, own = map(list, zip(*marks, strict=True))
            if not is_late:
                self.context.decode(*self._marks(some), own, [False] * len(some))
                continue
            for node, row in zip(some, self.context.states(*self._marks(some), own), strict=True):
                if node in wanted:
                    self.read(node, row)

    def _marks(self, nodes: Sequence[int]) -> tuple[list[int], list[int]]:
        """The tokens of nodes and their positions."""
        return [self.trie.tokens[n] for n in nodes], [self.trie.depths[n] for n in nodes]

    def _pause(self) -> None:
        """Calls ``gap`` between two batches. If an answer given there changed the memory, the trunk
        is computed again."""
        cleared = self.context.cleared
        if self.computed:
            self.gap()
        if self.context.cleared != cleared:
            self.context.reserve(self.depth)
            self.context.clear()
            for batch in self.trunk:
                self._decode(batch, [[TRUNK]] * len(batch), ())


def _only_trunk(trie: Trie, steps: Sequence[Step], wanted: Container[int]) -> tuple[int, ...]:
    """The tokens of the trunk from which the whole request hangs; empty if something is read on it,
    or if there are several trunks."""
    if not steps or not isinstance(steps[0], Extend):
        return ()
    at_root = [step for step in steps if isinstance(step, Retract) and step.depth == 0]
    if len(at_root) != 1 or steps[-1] is not at_root[0]:
        return ()
    nodes = steps[0].nodes
    return () if any(n in wanted for n in nodes) else tuple(trie.tokens[n] for n in nodes)
