"""The gradient of a prompt's loss in its literal tokens, and the swaps it proposes.

The loss of a choice is the cross-entropy of the gold label under the softmax of
t (s(y) - w s0(y) - b(y)), t being its sharpness; the gradient goes through both branches. Swaps are
ranked as in HotFlip (Ebrahimi et al., 2018) and AutoPrompt (Shin et al., 2020): the first-order
gain of token v in the place of u is -(E[v] - E[u]) . dL/dE[u].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from models.engine import Choice, Differentiate, Gradients
from models.trie import BadRequest, Trie, build
from models.twin.load import TwinError
from models.twin.pack import LIMIT, Beat, check, cut, embed, log_probabilities

VOCABULARY_ROWS = 8192
# Gradients of a mean over many choices fall below what float16 can hold.
FLOAT16_SCALE = 2.0**10


def differentiate(
    model: Any, request: Differentiate, excluded: torch.Tensor, beat: Beat
) -> Gradients:
    """``excluded`` [vocabulary] marks the tokens that no swap may bring in.

    An owner that no loss depends on has norm 0 and no swaps. Raises BadRequest for a malformed
    request and TwinError when the numbers overflow.
    """
    trie = build(request.segments)
    check(model, trie)
    _check_choices(request, trie)
    owners = owners_of_nodes(request, trie)
    current = tokens_of_owners(owners, trie)
    losses, gradient, decoded = backpropagate(model, trie, request.choices, owners, beat)
    if not all(map(math.isfinite, losses)) or not torch.isfinite(gradient).all():
        raise TwinError(f"the twin's numbers overflow in {model.dtype}; load it in a wider type")
    return Gradients(
        losses=tuple(losses),
        norms=tuple(gradient.norm(dim=1).tolist()),
        swaps=best_swaps(model.get_input_embeddings(), gradient, current, excluded, request.top),
        decoded=decoded,
    )


def backpropagate(
    model: Any,
    trie: Trie,
    choices: Sequence[Choice],
    owners: dict[int, int],
    beat: Beat,
    limit: int = LIMIT,
) -> tuple[list[float], torch.Tensor, int]:
    """One forward and one backward a pack, the weights frozen.

    Returns the loss of each choice (nats), the gradient of their mean in the embedding of each
    owner, float32 [owners, d], summed over the nodes it owns, and how many tokens were computed.
    """
    losses = [0.0] * len(choices)
    width = model.get_input_embeddings().embedding_dim
    gradient = torch.zeros(max(owners.values(), default=-1) + 1, width, device=model.device)
    scale = FLOAT16_SCALE if model.dtype == torch.float16 else 1.0
    groups = [
        [trie.parents[node] for segment in _segments(choice) for node in trie.reads[segment]]
        for choice in choices
    ]
    packs = cut(trie, groups, limit)
    for done, pack in enumerate(packs, 1):
        embeddings = embed(model, trie, pack).requires_grad_()
        place, found = log_probabilities(model, trie, pack, embeddings)
        entropies = [_cross_entropy(choices[i], trie, place, found) for i in pack.groups]
        loss = torch.stack(entropies)
        for i, value in zip(pack.groups, loss.tolist(), strict=True):
            losses[i] = value
        (slope,) = torch.autograd.grad(loss.sum() * (scale / len(choices)), embeddings)
        owned = [(row, owners[node]) for row, node in enumerate(pack.nodes) if node in owners]
        if owned:
            rows, to = torch.tensor(owned, device=model.device).T
            gradient.index_add_(0, to, slope[rows].float() / scale)
        beat(done, len(packs))
    return losses, gradient, sum(len(pack.nodes) for pack in packs)


def owners_of_nodes(request: Differentiate, trie: Trie) -> dict[int, int]:
    """The owner of every node that has one; nodes shared by segments must agree."""
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
    """The token each owner stands for; None for a number that owns nothing."""
    tokens: list[int | None] = [None] * (max(owners.values(), default=-1) + 1)
    for node, owner in owners.items():
        token = trie.tokens[node]
        if tokens[owner] not in (None, token):
            raise BadRequest(f"owner {owner} stands for two tokens, {tokens[owner]} and {token}")
        tokens[owner] = token
    return tokens


def best_swaps(
    embedding: Any,
    gradient: torch.Tensor,
    current: list[int | None],
    excluded: torch.Tensor,
    top: int,
) -> tuple[tuple[tuple[int, float], ...], ...]:
    """For each row of ``gradient`` [owners, d] the ``top`` (token, gain in nats), best first."""
    moved = [owner for owner, row in enumerate(gradient) if row.any()]
    swaps: list[tuple[tuple[int, float], ...]] = [()] * len(current)
    if not moved or top == 0:
        return tuple(swaps)
    ids = torch.arange(embedding.num_embeddings, device=gradient.device)
    slopes = gradient[moved]
    # Through the module, since some scale their rows; in blocks, since a float32 table is large.
    with torch.no_grad():
        blocks = [slopes @ embedding(some).float().T for some in torch.split(ids, VOCABULARY_ROWS)]
    linear = torch.cat(blocks, dim=1)
    now = torch.tensor([[current[owner]] for owner in moved], device=gradient.device)
    gains = linear.gather(1, now) - linear
    gains.scatter_(1, now, -torch.inf)
    gains[:, excluded] = -torch.inf
    best = gains.topk(min(top, gains.shape[1]), dim=1)
    for owner, values, ids in zip(moved, best.values.tolist(), best.indices.tolist(), strict=True):
        pairs = zip(ids, values, strict=True)
        swaps[owner] = tuple((token, gain) for token, gain in pairs if gain > -torch.inf)
    return tuple(swaps)


def _segments(choice: Choice) -> tuple[int, ...]:
    return choice.plain + (choice.free if choice.weight else ())


def _cross_entropy(
    choice: Choice, trie: Trie, place: dict[int, int], found: torch.Tensor
) -> torch.Tensor:
    def scores(segments: Sequence[int]) -> torch.Tensor:
        return torch.stack([found[[place[n] for n in trie.reads[s]]].sum() for s in segments])

    calibrated = scores(choice.plain)
    if choice.weight:
        calibrated = calibrated - choice.weight * scores(choice.free)
    if choice.prior:
        calibrated = calibrated - calibrated.new_tensor(choice.prior)
    calibrated = choice.sharpness * calibrated
    return calibrated.logsumexp(0) - calibrated[choice.gold]


def _check_choices(request: Differentiate, trie: Trie) -> None:
    if not request.choices:
        raise BadRequest("nothing to differentiate: the request has no choices")
    if request.top < 0:
        raise BadRequest(f"top is {request.top}; ask for 0 swaps or more")
    for number, choice in enumerate(request.choices):
        where = f"choice {number}"
        if not 0 <= choice.gold < len(choice.plain):
            raise BadRequest(f"{where}: gold {choice.gold} is none of {len(choice.plain)} labels")
        if not 0.0 <= choice.weight <= 1.0:
            raise BadRequest(f"{where}: weight {choice.weight} is not between 0 and 1")
        if not 0.0 < choice.sharpness <= 1.0:
            raise BadRequest(f"{where}: sharpness {choice.sharpness} is not above 0 and up to 1")
        if choice.weight and len(choice.free) != len(choice.plain):
            raise BadRequest(
                f"{where}: {len(choice.plain)} labels, {len(choice.free)} content-free"
            )
        if choice.prior and len(choice.prior) != len(choice.plain):
            raise BadRequest(f"{where}: {len(choice.plain)} labels, {len(choice.prior)} priors")
        if not all(map(math.isfinite, choice.prior)):
            raise BadRequest(f"{where}: a prior is not finite")
        for segment in _segments(choice):
            if not 0 <= segment < len(trie.reads):
                raise BadRequest(f"{where}: segment {segment} is not in the request")
            if not trie.reads[segment]:
                raise BadRequest(f"{where}: segment {segment} reads no token")
