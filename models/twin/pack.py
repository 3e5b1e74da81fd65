"""Packed attention: a whole trie, or a part of it, in one forward pass.

The nodes of a trie stand in one row, each at the position of its depth, and the attention mask lets
each see only its ancestors and itself. Every branch is thus read like a sequence by itself, while a
shared prefix is computed once (tree attention, Miao et al., SpecInfer, arXiv:2305.09781).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from models.trie import BadRequest, Trie
from models.twin.load import out_of_memory

Beat = Callable[[int, int], None]
Gap = Callable[[], None]

LIMIT = 4096
HEAD_ROWS = 64
FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True, slots=True)
class Pack:
    """``groups`` are the indices of the groups read together; ``readers`` are the nodes whose
    logits are read.

    ``nodes`` are the readers and all their ancestors in ascending order, so parents come first.
    """

    groups: list[int]
    nodes: list[int]
    readers: list[int]


def in_packs(
    trie: Trie,
    groups: Sequence[Sequence[int]],
    work: Callable[[Pack], None],
    beat: Beat,
    gap: Gap,
    limit: int = LIMIT,
) -> int:
    """Calls ``work`` on packs that together read all groups; returns the number of nodes computed.

    A pack that does not fit into memory is halved, as long as it has several groups. ``work`` must
    leave nothing behind when it fails.
    """
    packs = deque(cut(trie, groups, limit))
    done = computed = 0
    while packs:
        pack = packs.popleft()
        try:
            work(pack)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if len(pack.groups) == 1:
                raise MemoryError from error
            half = len(pack.groups) // 2
            parts = (pack.groups[:half], pack.groups[half:])
            packs.extendleft(_pack(trie, groups, part) for part in reversed(parts))
        else:
            done += len(pack.groups)
            computed += len(pack.nodes)
            beat(done, len(groups))
            if packs:
                gap()
    return computed


def cut(trie: Trie, groups: Sequence[Sequence[int]], limit: int) -> list[Pack]:
    """Packs of at most ``limit`` nodes that together read every group of nodes; no group is split.

    Groups are added greedily in depth-first order, so that neighbours share their prefix and little
    of it is repeated. A group that is larger than the limit is a pack of its own.
    """
    packs: list[list[int]] = []
    nodes: set[int] = set()
    for member in sorted(range(len(groups)), key=lambda member: _path(trie, groups[member][0])):
        needed = {step for node in groups[member] for step in _path(trie, node)}
        if packs and len(nodes | needed) <= limit:
            packs[-1].append(member)
            nodes |= needed
        else:
            packs.append([member])
            nodes = needed
    return [_pack(trie, groups, members) for members in packs]


def _pack(trie: Trie, groups: Sequence[Sequence[int]], members: list[int]) -> Pack:
    readers = {node for member in members for node in groups[member]}
    nodes = {step for reader in readers for step in _path(trie, reader)}
    return Pack(members, sorted(nodes), sorted(readers))


def _path(trie: Trie, node: int) -> list[int]:
    """The nodes from the root to this one."""
    steps = []
    while node >= 0:
        steps.append(node)
        node = trie.parents[node]
    return steps[::-1]


def visible(trie: Trie, pack: Pack) -> torch.Tensor:
    """Boolean [n, n]: true where the column's node is the row's node or an ancestor of it."""
    place = {node: row for row, node in enumerate(pack.nodes)}
    seen = np.eye(len(pack.nodes), dtype=np.bool_)
    for row, node in enumerate(pack.nodes):
        if trie.parents[node] >= 0:
            seen[row] |= seen[place[trie.parents[node]]]
    return torch.from_numpy(seen)


def masks(model: Any, trie: Trie, pack: Pack, dtype: torch.dtype) -> Any:
    """What each layer adds to its attention scores, [1, 1, n, n]: 0 where a node is visible, else
    the least number of ``dtype``. A sliding layer sees only the last ``sliding_window`` of a node's
    ancestors, the node itself included. Where a model has layers of both kinds, this is a
    dictionary by kind, as transformers expects."""
    seen = visible(trie, pack).to(model.device)
    depths = torch.tensor([trie.depths[node] for node in pack.nodes], device=model.device)

    def mask(kind: str) -> torch.Tensor:
        allowed = seen
        if kind == SLIDING:
            window = model.config.get_text_config().sliding_window
            allowed = seen & (depths[:, None] - depths[None, :] < window)
        added = torch.zeros(seen.shape, dtype=dtype, device=model.device)
        return added.masked_fill_(~allowed, torch.finfo(dtype).min)[None, None]

    kinds = attention_kinds(model.config)
    if len(kinds) == 1:
        return mask(*kinds)
    return {kind: mask(kind) for kind in kinds}


def attention_kinds(config: Any) -> set[str]:
    """The kinds of a model's layers: full, sliding, or another name that transformers has."""
    config = config.get_text_config()
    if kinds := getattr(config, "layer_types", None):
        return set(kinds)
    return {SLIDING if getattr(config, "sliding_window", None) else FULL}


def embed(model: Any, trie: Trie, pack: Pack) -> torch.Tensor:
    """Detached input embeddings [n, d] of the pack's nodes."""
    ids = torch.tensor([trie.tokens[node] for node in pack.nodes], device=model.device)
    rows: torch.Tensor = model.get_input_embeddings()(ids)
    return rows.detach()


def hidden(model: Any, trie: Trie, pack: Pack, embeddings: torch.Tensor) -> torch.Tensor:
    """Final hidden states [r, d] of the pack's readers."""
    positions = torch.tensor([[trie.depths[node] for node in pack.nodes]], device=model.device)
    states = model.get_decoder()(
        inputs_embeds=embeddings[None],
        attention_mask=masks(model, trie, pack, embeddings.dtype),
        position_ids=positions,
        use_cache=False,
    ).last_hidden_state[0]
    place = {node: row for row, node in enumerate(pack.nodes)}
    rows = torch.tensor([place[node] for node in pack.readers], device=model.device)
    found: torch.Tensor = states[rows]
    return found


def log_probabilities(
    model: Any, trie: Trie, pack: Pack, embeddings: torch.Tensor
) -> tuple[dict[int, int], torch.Tensor]:
    """Log-probabilities (nats, float32) of the tokens that are looked up at the pack's readers.

    Returns the place of each looked-up node in the vector, and the vector. The head runs on a few
    rows at a time, and again in the backward pass, so that a context x vocabulary matrix never
    exists.
    """
    rows = hidden(model, trie, pack, embeddings)
    head = model.get_output_embeddings()
    place: dict[int, int] = {}
    parts = []
    for start in range(0, len(pack.readers), HEAD_ROWS):
        readers = pack.readers[start : start + HEAD_ROWS]
        lookups = [
            (row, node) for row, reader in enumerate(readers) for node in trie.wanted[reader]
        ]
        place |= {node: len(place) + i for i, (_, node) in enumerate(lookups)}
        pairs = torch.tensor(
            [(row, trie.tokens[node]) for row, node in lookups], device=rows.device
        )
        chunk = rows[start : start + HEAD_ROWS]
        part = checkpoint(
            _look_up, head, chunk, pairs, use_reentrant=False, preserve_rng_state=False
        )
        parts.append(part)
    return place, torch.cat(parts)


def _look_up(head: Any, rows: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    logits = head(rows).float()
    found: torch.Tensor = logits[pairs[:, 0], pairs[:, 1]] - logits.logsumexp(-1)[pairs[:, 0]]
    return found


def context_length(config: Any) -> int:
    """The context length in tokens."""
    length: int = config.get_text_config().max_position_embeddings
    return length


def check(model: Any, trie: Trie) -> None:
    """Raises BadRequest for what the model cannot compute."""
    limit = context_length(model.config)
    depth = max(trie.depths, default=-1) + 1
    if depth > limit:
        raise BadRequest(
            f"{depth} tokens are longer than the twin's context of {limit}; "
            "shorten the prompt or the rows"
        )
    vocabulary = model.get_input_embeddings().num_embeddings
    outside = [token for token in trie.tokens if not 0 <= token < vocabulary]
    if outside:
        raise BadRequest(f"token id {outside[0]} is outside the vocabulary of {vocabulary}")
