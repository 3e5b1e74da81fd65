"""What the twin's packed gradient must equal: every label of every choice a sequence of its own."""

from __future__ import annotations

from typing import Any

import torch

from models.engine import Differentiate


def spell(request: Differentiate, number: int) -> tuple[list[int], list[int]]:
    """Tokens and owners from the root to the end of a segment."""
    tokens: list[int] = []
    owners: list[int] = []
    while number >= 0:
        tokens[:0] = request.segments[number].tokens
        owners[:0] = request.owners[number]
        number = request.segments[number].parent
    return tokens, owners


def losses(model: Any, request: Differentiate, delta: torch.Tensor) -> torch.Tensor:
    """``delta`` [owners, d] is added to the embeddings of the tokens that each owner has."""

    def score(number: int) -> torch.Tensor:
        tokens, owners = spell(request, number)
        padded = torch.cat([delta, torch.zeros(1, delta.shape[1])])
        inputs = model.get_input_embeddings()(torch.tensor(tokens)) + padded[owners]
        logprobs = model(inputs_embeds=inputs[None], use_cache=False).logits[0].log_softmax(-1)
        read = request.segments[number].read
        places = range(len(tokens) - read, len(tokens))
        return torch.stack([logprobs[place - 1, tokens[place]] for place in places]).sum()

    found = []
    for choice in request.choices:
        scores = torch.stack([score(segment) for segment in choice.plain])
        if choice.free:
            scores = scores - choice.weight * torch.stack([score(s) for s in choice.free])
        if choice.bias:
            scores = scores - torch.tensor(choice.bias)
        scores = choice.inverse_temperature * scores
        found.append(-(scores if len(scores) == 1 else scores.log_softmax(0))[choice.gold])
    return torch.stack(found)


def gradient(model: Any, request: Differentiate) -> tuple[list[float], torch.Tensor]:
    """Each choice's loss, and the gradient of their mean, weighed by what each counts, in each
    owner's embedding [owners, d]."""
    owners = 1 + max(max(owned, default=-1) for owned in request.owners)
    width = model.get_input_embeddings().embedding_dim
    delta = torch.zeros(owners, width, requires_grad=True)
    found = losses(model, request, delta)
    counts = torch.tensor([choice.counts for choice in request.choices])
    (slope,) = torch.autograd.grad(counts @ found / counts.sum(), delta)
    return found.tolist(), slope
