"""The literal token that each node of the trie is a rendering of."""

from __future__ import annotations

from models.engine import Differentiate
from models.trie import BadRequest, Trie


def owners_of_nodes(request: Differentiate, trie: Trie) -> dict[int, int]:
    """The owner of every node that has one. Segments that share a node must agree on its owner."""
    if len(request.owners) != len(request.segments):
        raise BadRequest(f"{len(request.owners)} owner lists for {len(request.segments)} segments")
    owners: dict[int, int] = {}
    for number, (given, path) in enumerate(zip(request.owners, trie.paths, strict=True)):
        if len(given) != len(path):
            raise BadRequest(f"segment {number}: {len(given)} owners for {len(path)} tokens")
        for owner, node in zip(given, path, strict=True):
            if owner < -1:
                raise BadRequest(f"segment {number}: owner {owner} is less than -1")
            if owner >= 0 and owners.setdefault(node, owner) != owner:
                raise BadRequest(
                    f"segment {number}: a token shared with an earlier segment belongs to owner "
                    f"{owners[node]} there and to {owner} here"
                )
    return owners


def tokens_of_owners(owners: dict[int, int], trie: Trie) -> list[int | None]:
    """The token that each owner stands for; None for a number that owns nothing."""
    tokens: list[int | None] = [None] * (max(owners.values(), default=-1) + 1)
    for node, owner in owners.items():
        token = trie.tokens[node]
        if tokens[owner] not in (None, token):
            raise BadRequest(f"owner {owner} stands for two tokens, {tokens[owner]} and {token}")
        tokens[owner] = token
    return tokens
