"""First-order swaps: how far the loss would fall if a literal token were another one.

They are ranked as in HotFlip (Ebrahimi et al., 2018) and AutoPrompt (Shin et al., 2020): the gain
of token v in the place of u is -(E[v] - E[u]) . dL/dE[u].
"""

from __future__ import annotations

from typing import Any

import torch

from models.engine import Differentiate
from models.trie import BadRequest

VOCABULARY_ROWS = 8192


def allowed_swaps(request: Differentiate, owners: int, excluded: torch.Tensor) -> torch.Tensor:
    """Boolean [owners or 1, vocabulary]: the tokens that may take each owner's place. Raises
    BadRequest."""
    if not request.candidates:
        return ~excluded[None]
    if len(request.candidates) != owners:
        raise BadRequest(f"{len(request.candidates)} sets of candidates for {owners} owners")
    allowed = torch.zeros(owners, len(excluded), dtype=torch.bool, device=excluded.device)
    for owner, tokens in enumerate(request.candidates):
        if outside := [token for token in tokens if not 0 <= token < len(excluded)]:
            raise BadRequest(
                f"owner {owner}: token id {outside[0]} is outside the vocabulary of {len(excluded)}"
            )
        allowed[owner, list(tokens)] = True
    return allowed & ~excluded


def best_swaps(
    embedding: Any,
    gradient: torch.Tensor,
    current: list[int | None],
    allowed: torch.Tensor,
    top: int,
) -> tuple[tuple[tuple[int, float], ...], ...]:
    """For each row of ``gradient`` [owners, d], the ``top`` pairs (token, gain in nats), best
    first, among those ``allowed`` [owners or 1, vocabulary]."""
    moved = [owner for owner, row in enumerate(gradient) if row.any()]
    swaps: list[tuple[tuple[int, float], ...]] = [()] * len(current)
    if not moved or top == 0:
        return tuple(swaps)
    ids = torch.arange(embedding.num_embeddings, device=gradient.device)
    slopes = gradient[moved]
    # The rows come from the module, since some modules scale them, and in blocks, since a float32
    # table is large.
    with torch.no_grad():
        blocks = [slopes @ embedding(some).float().T for some in torch.split(ids, VOCABULARY_ROWS)]
    linear = torch.cat(blocks, dim=1)
    now = torch.tensor([[current[owner]] for owner in moved], device=gradient.device)
    gains = linear.gather(1, now) - linear
    gains.scatter_(1, now, -torch.inf)
    gains[~(allowed if len(allowed) == 1 else allowed[moved]).expand_as(gains)] = -torch.inf
    best = gains.topk(min(top, gains.shape[1]), dim=1)
    for owner, values, ids in zip(moved, best.values.tolist(), best.indices.tolist(), strict=True):
        pairs = zip(ids, values, strict=True)
        swaps[owner] = tuple((token, gain) for token, gain in pairs if gain > -torch.inf)
    return tuple(swaps)
