"""The order in which a trie is decoded, so that no token is computed twice.

A path from the root (the trunk) stays in memory; subtrees that hang from its end are packed into
batches and forgotten again once their logits are read. Attention therefore only ever looks at the
trunk and one batch, however many branches a request has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.trie import Trie


@dataclass(frozen=True, slots=True)
class Extend:
    """Decode these nodes, each the parent of the next, onto the trunk."""

    nodes: list[int]


@dataclass(frozen=True, slots=True)
class Branch:
    """Decode whole subtrees under the trunk's end. ``nodes`` are in depth-first order.
    ``leaves[i]`` are the leaves below ``nodes[i]``, counted from 0 in this step."""

    nodes: list[int]
    leaves: list[range]

    @property
    def width(self) -> int:
        return max((span.stop for span in self.leaves), default=0)


@dataclass(frozen=True, slots=True)
class Retract:
    """Forget the trunk from this depth on."""

    depth: int


Step = Extend | Branch | Retract


def schedule(trie: Trie, needed: Sequence[bool], batch: int, width: int) -> Iterator[Step]:
    """Steps that decode every ``needed`` node once, in batches of up to ``batch`` nodes and
    ``width`` leaves."""
    children = [[child for child in below if needed[child]] for below in trie.children]
    sizes, leaves = _measure(trie, children)
    roots = [node for node, parent in enumerate(trie.parents) if parent < 0 and needed[node]]

    def visit(nodes: list[int]) -> Iterator[Step]:
        pack: list[int] = []
        for node in nodes:
            if sizes[node] > batch or leaves[node] > width:
                yield from flush(pack)
                pack = []
                chain = [node]
                while len(children[chain[-1]]) == 1:
                    chain.append(children[chain[-1]][0])
                yield Extend(chain)
                yield from visit(children[chain[-1]])
                yield Retract(trie.depths[node])
                continue
            if (
                sum(sizes[n] for n in pack) + sizes[node] > batch
                or sum(leaves[n] for n in pack) + leaves[node] > width
            ):
                yield from flush(pack)
                pack = []
            pack.append(node)
        yield from flush(pack)

    def flush(pack: list[int]) -> Iterator[Step]:
        if pack:
            yield _branch(children, pack, leaves)

    yield from visit(roots)


def _measure(trie: Trie, children: list[list[int]]) -> tuple[list[int], list[int]]:
    """The number of nodes and the number of leaves in each node's subtree."""
    sizes = [1] * len(trie)
    leaves = [0 if below else 1 for below in children]
    for node in range(len(trie) - 1, -1, -1):
        if (parent := trie.parents[node]) >= 0:
            sizes[parent] += sizes[node]
            leaves[parent] += leaves[node]
    return sizes, leaves


def _branch(children: list[list[int]], pack: list[int], leaves: list[int]) -> Branch:
    nodes: list[int] = []
    spans: list[range] = []
    stack: list[tuple[int, int]] = []
    first = 0
    for root in pack:
        stack.append((root, first))
        first += leaves[root]
        while stack:
            node, start = stack.pop()
            nodes.append(node)
            spans.append(range(start, start + leaves[node]))
            below = []
            for child in children[node]:
                below.append((child, start))
                start += leaves[child]
            stack.extend(reversed(below))
    return Branch(nodes, spans)
