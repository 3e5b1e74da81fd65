"""The gradient of a prompt's loss with respect to its literal tokens, and the swaps it proposes.

The loss of a choice is the cross-entropy of the gold label under the softmax of t (s(y) - w s0(y) -
b(y)), where t is its inverse temperature. The gradient goes through both branches, s and s0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from models.engine import Choice, Differentiate, Gradients
from models.trie import Trie, build
from models.twin.choices import check_choices, cross_entropy, segments_of
from models.twin.load import TwinError
from models.twin.loss_scale import LossScale
from models.twin.owners import owners_of_nodes, tokens_of_owners
from models.twin.pack import LIMIT, Beat, Gap, Pack, check, embed, in_packs, log_probabilities
from models.twin.swaps import allowed_swaps, best_swaps


@dataclass(slots=True)
class Slopes:
    """Gradients with respect to the embedding of each owner, float32 [owners, d], summed over the
    owner's nodes. ``mean`` is that of the mean loss. Each of ``probes`` is that of a sum of the
    losses, each multiplied by a random sign and by the square root of its share in the mean.
    ``losses`` are in nats."""

    losses: list[float]
    mean: torch.Tensor
    probes: list[torch.Tensor]
    decoded: int = 0

    def spreads(self) -> torch.Tensor:
        """The estimated spread of the choices' gradients, [owners]. It uses that E |sum of e_i
        g_i|^2 = sum of |g_i|^2 for independent signs e_i."""
        squares = torch.stack([probe.square().sum(1) for probe in self.probes]).mean(0)
        return (squares - self.mean.square().sum(1)).clamp(min=0).sqrt()


def differentiate(
    model: Any, request: Differentiate, excluded: torch.Tensor, beat: Beat, gap: Gap
) -> Gradients:
    """Answers the request; ``excluded`` [vocabulary] marks the tokens that no swap may bring in.

    An owner that no loss depends on has norm 0 and no swaps. Raises BadRequest for a malformed
    request and TwinError when the numbers overflow.
    """
    trie = build(request.segments)
    check(model, trie)
    check_choices(request, trie)
    owners = owners_of_nodes(request, trie)
    current = tokens_of_owners(owners, trie)
    allowed = allowed_swaps(request, len(current), excluded)
    slopes = backpropagate(model, trie, request.choices, owners, beat, gap, probes=request.probes)
    if not all(map(math.isfinite, slopes.losses)) or not torch.isfinite(slopes.mean).all():
        raise TwinError(f"the twin's numbers overflow in {model.dtype}; load it in a wider type")
    return Gradients(
        losses=tuple(slopes.losses),
        norms=tuple(slopes.mean.norm(dim=1).tolist()),
        swaps=best_swaps(model.get_input_embeddings(), slopes.mean, current, allowed, request.top),
        decoded=slopes.decoded,
        spreads=tuple(slopes.spreads().tolist()) if request.probes else (),
    )


def backpropagate(
    model: Any,
    trie: Trie,
    choices: Sequence[Choice],
    owners: dict[int, int],
    beat: Beat,
    gap: Gap,
    *,
    probes: int = 0,
    limit: int = LIMIT,
) -> Slopes:
    """Makes one forward and one backward pass for each pack, and another backward pass for each
    probe; the weights are frozen."""
    device = model.device
    shape = (max(owners.values(), default=-1) + 1, model.get_input_embeddings().embedding_dim)
    signs = torch.randint(2, (probes, len(choices)), generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([[choice.counts for choice in choices]])
    shares = shares / shares.sum()
    weights = torch.cat([shares, (2.0 * signs - 1.0) * shares.sqrt()]).to(device)
    scale = LossScale(model.dtype)
    losses = [0.0] * len(choices)
    sums = [torch.zeros(shape, device=device) for _ in weights]
    groups = [
        [trie.parents[node] for segment in segments_of(choice) for node in trie.reads[segment]]
        for choice in choices
    ]

    def differentiate_pack(pack: Pack) -> None:
        while True:
            embeddings = embed(model, trie, pack).requires_grad_()
            place, found = log_probabilities(model, trie, pack, embeddings)
            loss = torch.stack([cross_entropy(choices[i], trie, place, found) for i in pack.groups])
            totals = (scale.factor * weights[:, pack.groups] @ loss).unbind()
            slopes = [
                torch.autograd.grad(total, embeddings, retain_graph=left > 0)[0]
                for left, total in zip(range(probes, -1, -1), totals, strict=True)
            ]
            if not torch.isfinite(loss).all() or scale.suits(slopes):
                break
        owned = [(row, owners[node]) for row, node in enumerate(pack.nodes) if node in owners]
        if owned:
            rows, to = torch.tensor(owned, device=device).T
            for total, slope in zip(sums, slopes, strict=True):
                total.index_add_(0, to, slope[rows].float() / scale.factor)
        for i, value in zip(pack.groups, loss.tolist(), strict=True):
            losses[i] = value

    decoded = in_packs(trie, groups, differentiate_pack, beat, gap, limit)
    return Slopes(losses, sums[0], sums[1:], decoded)
