"""A trie of token sequences: every shared prefix is stored once, so it is computed once."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from models.engine import Hidden, Propose, Segment


class BadRequest(ValueError):
    """A request that no engine could answer; the message says what is wrong with it."""


@dataclass(slots=True)
class Trie:
    """Nodes in the order of first use; a parent always stands before its children.

    ``paths[i]`` are the nodes of segment i's own tokens, ``reads[i]`` those of them whose
    log-probability is wanted. ``wanted`` maps a node whose logits are read to the children whose
    tokens are looked up in them.
    """

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)
    reads: list[list[int]] = field(default_factory=list)
    wanted: dict[int, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tokens)

    def needed(self, readers: Container[int]) -> list[bool]:
        """Which nodes have to be computed to read the logits at ``readers``: these and their
        ancestors. The last token of an answer is only looked up, not computed."""
        needed = [node in readers for node in range(len(self))]
        for node in range(len(self) - 1, -1, -1):
            if needed[node] and self.parents[node] >= 0:
                needed[self.parents[node]] = True
        return needed


def prefixes(request: Propose) -> Trie:
    """The trie of the prefixes to continue. Raises BadRequest for an empty prefix."""
    if not all(request.prefixes):
        raise BadRequest("nothing can be proposed after an empty prefix")
    return build([Segment(-1, prefix) for prefix in request.prefixes])


def read_out(request: Hidden) -> tuple[Trie, list[int]]:
    """The trie of the segments, and the node of each place. Raises BadRequest for a place that is
    no segment, or that has no token to read a state at."""
    trie = build(request.segments)
    if outside := [at for at in request.places if not 0 <= at < len(trie.paths)]:
        raise BadRequest(f"place {outside[0]} is no segment")
    if empty := [at for at in request.places if not trie.paths[at]]:
        raise BadRequest(f"segment {empty[0]} has no token to read a state at")
    return trie, [trie.paths[at][-1] for at in request.places]


def build(segments: Sequence[Segment]) -> Trie:
    """The trie of all segments.

    Raises BadRequest for a parent that is not an earlier segment, for more tokens read than the
    segment has, and for a read of a sequence's first token, which has nothing before it.
    """
    trie = Trie()
    index: dict[tuple[int, int], int] = {}
    ends: list[int] = []
    for number, segment in enumerate(segments):
        if not -1 <= segment.parent < number:
            raise BadRequest(f"segment {number}: parent {segment.parent} is no earlier segment")
        if not 0 <= segment.read <= len(segment.tokens):
            raise BadRequest(f"segment {number}: reads {segment.read} of {len(segment.tokens)}")
        node = ends[segment.parent] if segment.parent >= 0 else -1
        path = []
        for token in segment.tokens:
            key = (node, token)
            child = index.get(key)
            if child is None:
                child = index[key] = len(trie.tokens)
                trie.tokens.append(token)
                trie.parents.append(node)
                trie.depths.append(trie.depths[node] + 1 if node >= 0 else 0)
                trie.children.append([])
                if node >= 0:
                    trie.children[node].append(child)
            node = child
            path.append(node)
        ends.append(node)
        read = path[len(path) - segment.read :]
        trie.paths.append(path)
        trie.reads.append(read)
        for reader in read:
            parent = trie.parents[reader]
            if parent < 0:
                raise BadRequest(f"segment {number} reads a first token")
            lookups = trie.wanted.setdefault(parent, [])
            if reader not in lookups:
                lookups.append(reader)
    return trie
