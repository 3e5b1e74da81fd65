"""Decisions between labels: which numbers their losses need, and how the losses are computed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from models.engine import Choice, Differentiate
from models.trie import BadRequest, Trie


def segments_of(choice: Choice) -> tuple[int, ...]:
    """The segments that a choice's loss is computed from."""
    return choice.plain + (choice.free if choice.weight else ())


def cross_entropy(
    choice: Choice, trie: Trie, place: dict[int, int], found: torch.Tensor
) -> torch.Tensor:
    """The cross-entropy of the gold label, in nats; with a single label, its negative score.
    ``found`` holds log-probabilities, that of node n at ``place[n]``."""

    def scores(segments: Sequence[int]) -> torch.Tensor:
        return torch.stack([found[[place[n] for n in trie.reads[s]]].sum() for s in segments])

    calibrated = scores(choice.plain)
    if choice.weight:
        calibrated = calibrated - choice.weight * scores(choice.free)
    if choice.bias:
        calibrated = calibrated - calibrated.new_tensor(choice.bias)
    calibrated = choice.inverse_temperature * calibrated
    if len(choice.plain) == 1:
        return -calibrated[0]
    return calibrated.logsumexp(0) - calibrated[choice.gold]


def check_choices(request: Differentiate, trie: Trie) -> None:
    """Raises BadRequest for a malformed request."""
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
        if not 0.0 < choice.inverse_temperature <= 1.0:
            raise BadRequest(
                f"{where}: inverse temperature {choice.inverse_temperature} is not above 0 and up "
                "to 1"
            )
        if not (math.isfinite(choice.counts) and choice.counts > 0):
            raise BadRequest(f"{where}: it counts {choice.counts}, which is not above 0 and finite")
        if choice.weight and len(choice.free) != len(choice.plain):
            raise BadRequest(
                f"{where}: {len(choice.plain)} labels, {len(choice.free)} content-free"
            )
        if choice.bias and len(choice.bias) != len(choice.plain):
            raise BadRequest(f"{where}: {len(choice.plain)} labels, {len(choice.bias)} biases")
        if not all(map(math.isfinite, choice.bias)):
            raise BadRequest(f"{where}: a bias is not finite")
        for segment in segments_of(choice):
            if not 0 <= segment < len(trie.reads):
                raise BadRequest(f"{where}: segment {segment} is not in the request")
            if not trie.reads[segment]:
                raise BadRequest(f"{where}: segment {segment} reads no token")
