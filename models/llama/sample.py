"""Draws the next token from a row of logits, with llama.cpp's samplers."""

from __future__ import annotations

import ctypes

import llama_cpp as C
import numpy as np
from llama_cpp.llama_grammar import json_schema_to_gbnf
from numpy.typing import NDArray

from models.engine import Generate
from models.trie import BadRequest

# The layout of a llama_token_data, so that one assignment lays out a row of logits for llama.cpp.
_TOKEN = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_ROOT = b"root"


class Sampler:
    """The sampler of one continuation: temperature, then top-k, top-p and min-p, then a draw from a
    random stream of its own, among the tokens that the grammar allows."""

    def __init__(
        self, vocab: C.llama_vocab_p, request: Generate, number: int, grammar: str = ""
    ) -> None:
        self._ids = np.arange(C.llama_vocab_n_tokens(vocab), dtype=np.int32)
        self._rows = np.zeros(len(self._ids), _TOKEN)
        self._chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        for stage in _stages(request, number):
            C.llama_sampler_chain_add(self._chain, stage)
        self._grammar = None
        if grammar:
            self._grammar = C.llama_sampler_init_grammar(vocab, grammar.encode(), _ROOT)
            if not self._grammar:
                self.close()
                raise BadRequest("llama.cpp cannot read the grammar; it needs a rule `root`")

    def pick(self, logits: NDArray[np.float32]) -> int:
        """The token, or -1 where the grammar allows none."""
        token = self._draw(logits)
        if self._grammar is None:
            return token
        # A second draw among the allowed tokens follows their distribution, so the whole vocabulary
        # is checked against the grammar only where the first draw was refused.
        if not self._allowed(token):
            token = self._draw(logits, self._grammar)
            if not self._allowed(token):
                return -1
        C.llama_sampler_accept(self._grammar, token)
        return token

    def close(self) -> None:
        for sampler in (self._chain, self._grammar):
            if sampler:
                C.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _draw(self, logits: NDArray[np.float32], first: C.llama_sampler_p | None = None) -> int:
        self._rows["id"] = self._ids
        self._rows["logit"] = logits
        candidates = _array(self._rows)
        if first is not None:
            C.llama_sampler_apply(first, ctypes.byref(candidates))
        C.llama_sampler_apply(self._chain, ctypes.byref(candidates))
        return int(candidates.data[candidates.selected].id)

    def _allowed(self, token: int) -> bool:
        one = np.array([(token, 0.0, 0.0)], _TOKEN)
        C.llama_sampler_apply(self._grammar, ctypes.byref(_array(one)))
        return bool(np.isfinite(one["logit"][0]))


def grammar_of(request: Generate) -> str:
    """The request's grammar in GBNF, converted from its JSON schema where it has one. Raises
    BadRequest for a schema that cannot be converted."""
    if not request.schema:
        return request.grammar
    if request.grammar:
        raise BadRequest("a grammar and a JSON schema at once: give one of them")
    try:
        return str(json_schema_to_gbnf(request.schema))
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        RecursionError,
    ) as error:
        raise BadRequest(f"the JSON schema cannot be followed: {error!r}") from error


def _stages(request: Generate, number: int) -> list[C.llama_sampler_p]:
    if request.temperature == 0:
        return [C.llama_sampler_init_greedy()]
    # The seed has 31 bits: 2**32 - 1 would ask llama.cpp to choose one itself.
    stream = int(np.random.SeedSequence([request.seed, number]).generate_state(1)[0]) >> 1
    stages = [C.llama_sampler_init_temp(request.temperature)]
    if request.top_k:
        stages.append(C.llama_sampler_init_top_k(request.top_k))
    if request.top_p < 1:
        stages.append(C.llama_sampler_init_top_p(request.top_p, 1))
    if request.min_p:
        stages.append(C.llama_sampler_init_min_p(request.min_p, 1))
    return [*stages, C.llama_sampler_init_dist(stream)]


def _array(rows: NDArray[np.void]) -> C.llama_token_data_array:
    data = rows.ctypes.data_as(ctypes.POINTER(C.llama_token_data))
    return C.llama_token_data_array(data=data, size=len(rows), selected=-1, sorted=False)
