"""One llama.cpp model and context behind the low-level API.

This is the only module that holds native handles. It is not thread-safe: a process has one owner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp as C
import numpy as np
from numpy.typing import NDArray

from models.headers import read_gguf
from models.llama import log
from models.memory import MemoryShort, check, needed_by_context
from models.trie import BadRequest

MAX_SEQUENCES = 256
TRUNK = 0

GRAIN = 4096
"""A context is made larger by multiples of this many cells."""


Outputs = Callable[[Any], Any]
"""What gives a pointer to a context's outputs."""


class EngineError(RuntimeError):
    """llama.cpp refused or failed; the message says what was asked of it."""


class Model:
    """Loaded weights, which contexts share. Up to ``gpu_layers`` layers are placed on a card.
    Raises HeaderError, EngineError, and MemoryShort where the card may lack memory."""

    def __init__(self, path: Path, gpu_layers: int) -> None:
        self.path = path
        self.header = read_gguf(path)
        self.gpu_layers = gpu_layers
        C.llama_backend_init()
        params = C.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        with log.kept() as lines:
            self.handle = C.llama_model_load_from_file(str(path).encode(), params)
        if not self.handle:
            failed = f"{path}: llama.cpp could not load this model: {log.reason(lines)}"
            if gpu_layers:
                raise MemoryShort(
                    f"{failed}. If the card cannot hold it, set STROP_GPU_LAYERS to fewer layers, "
                    "0 for none"
                )
            raise EngineError(failed)
        self.vocab = C.llama_model_get_vocab(self.handle)
        self.n_vocab = int(C.llama_vocab_n_tokens(self.vocab))
        self.width = int(C.llama_model_n_embd(self.handle))
        """The number of values in a hidden state."""
        self.trained = int(C.llama_model_n_ctx_train(self.handle))
        """The longest sequence that the model was trained on, in tokens."""
        self.two_ropes = any(t.name.startswith("rope_factors_long") for t in self.header.tensors)
        """Whether llama.cpp gives the model other positions in a context larger than its original
        one, as it does Phi 3 (LongRoPE)."""


class Context:
    """Memory cells of a model, ``n_ctx`` at first. ``batch`` tokens are computed at a time.

    Up to 256 sequences share the cells. Sequence 0 is the trunk, the others are branches, and each
    is only a mark on cells; computing a token passes over all occupied cells. With ``streams``
    above 0 this is the number of sequences, and each has an equal part of the cells to itself.
    """

    def __init__(
        self, model: Model, *, n_ctx: int, batch: int, threads: int, streams: int = 0
    ) -> None:
        self.model = model
        self.batch = batch
        self.streams = streams
        self.threads = threads
        self.first = n_ctx
        self.n_vocab = model.n_vocab
        self.resident: tuple[int, ...] = ()
        """Tokens of the trunk that the last request left in memory."""
        self.cleared = 0
        """How often the memory has been cleared."""
        self._batch = C.llama_batch_init(batch, 0, MAX_SEQUENCES)
        self._open(n_ctx)

    @property
    def longest(self) -> int:
        """The longest sequence that can be decoded."""
        return self.model.trained

    def reserve(self, depth: int) -> None:
        """Makes room for a sequence of ``depth`` tokens with a batch of branches beside it; what is
        in memory may be lost. Raises MemoryShort.

        Logits do not depend on how large a context is, except for models with two sets of
        positions. For these it is made as large as the request needs, neither larger nor smaller,
        so that no reply depends on an earlier request.
        """
        over = max(depth + self.batch - self.first, 0)
        wanted = self.first + -(-over // GRAIN) * GRAIN
        if wanted > self.n_ctx or (wanted < self.n_ctx and self.model.two_ropes):
            self._check_memory(wanted)
            C.llama_free(self.ctx)
            self._open(wanted)
            self.clear()

    def _check_memory(self, n_ctx: int) -> None:
        if not self.model.gpu_layers:
            header = self.model.header
            more = [needed_by_context(header, cells, self.batch) for cells in (n_ctx, self.n_ctx)]
            check(more[0] - more[1], f"{self.model.path} with a context of {n_ctx} tokens")

    def _open(self, n_ctx: int) -> None:
        params = C.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = self.batch
        params.n_seq_max = self.streams or MAX_SEQUENCES
        params.kv_unified = not self.streams
        params.swa_full = True
        params.pooling_type = C.LLAMA_POOLING_TYPE_NONE
        params.flash_attn_type = C.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.n_threads = params.n_threads_batch = self.threads
        params.no_perf = True
        with log.kept() as lines:
            self.ctx = C.llama_init_from_model(self.model.handle, params)
        if not self.ctx:
            raise MemoryShort(
                f"{self.model.path}: no context of {n_ctx} tokens can be made: {log.reason(lines)}"
            )
        self.n_ctx = int(C.llama_n_ctx(self.ctx))
        self.memory = C.llama_get_memory(self.ctx)

    def close(self) -> None:
        C.llama_batch_free(self._batch)
        C.llama_free(self.ctx)

    def clear(self) -> None:
        self.resident = ()
        self.cleared += 1
        C.llama_memory_clear(self.memory, False)

    def fork(self, count: int) -> None:
        """Makes sequences 1 to ``count`` begin as the trunk. They are marks on its cells; no bytes
        are copied."""
        for sequence in range(1, count + 1):
            C.llama_memory_seq_cp(self.memory, TRUNK, sequence, -1, -1)

    def copy(self, source: int, target: int) -> None:
        """Makes the contents of stream ``target`` those of stream ``source``."""
        C.llama_memory_seq_cp(self.memory, source, target, -1, -1)

    def forget(self, sequence: int, depth: int = -1) -> None:
        """Drops the cells of a sequence from ``depth`` on."""
        C.llama_memory_seq_rm(self.memory, sequence, depth, -1)

    def decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[Sequence[int]],
        wanted: Sequence[bool],
    ) -> NDArray[np.float32]:
        """Logits ``[wanted, vocabulary]`` after the wanted tokens, valid until the next call.

        Raises EngineError where llama.cpp fails or the logits are not finite.
        """
        self._compute(tokens, positions, sequences, wanted)
        return self._finite(C.llama_get_logits, sum(wanted), self.n_vocab)

    def states(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[Sequence[int]],
    ) -> NDArray[np.float32]:
        """The final normalised state after every token, ``[tokens, width]``, valid until the next
        call.

        llama.cpp runs the output layer for every token of such a batch, so it should hold few
        others than those whose states are wanted. Raises EngineError as ``decode`` does.
        """
        C.llama_set_embeddings(self.ctx, True)
        try:
            self._compute(tokens, positions, sequences, [True] * len(tokens))
            return self._finite(C.llama_get_embeddings, len(tokens), self.model.width)
        finally:
            C.llama_set_embeddings(self.ctx, False)

    def _compute(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[Sequence[int]],
        wanted: Sequence[bool],
    ) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = positions[i]
            batch.n_seq_id[i] = len(sequences[i])
            row = batch.seq_id[i]
            for j, sequence in enumerate(sequences[i]):
                row[j] = sequence
            batch.logits[i] = wanted[i]
        if status := C.llama_decode(self.ctx, batch):
            self.clear()
            raise EngineError(f"llama.cpp failed to decode {len(tokens)} tokens (status {status})")

    def _finite(self, outputs: Outputs, count: int, width: int) -> NDArray[np.float32]:
        if not count:
            return np.empty((0, width), np.float32)
        found = np.ctypeslib.as_array(outputs(self.ctx), shape=(count, width))
        if not np.isfinite(found).all():
            self.clear()
            raise EngineError(
                "the model's numbers are not finite: its file is damaged, or overflows in this "
                "quantisation; see `strop models check`"
            )
        return found

    def check(self, tokens: Sequence[int], depth: int) -> None:
        """Raises BadRequest for what native code would abort on."""
        if depth > self.longest:
            raise BadRequest(
                f"{depth} tokens are longer than the model's context of {self.longest}; shorten "
                "the prompt or leave out the longest rows"
            )
        if tokens and not (min(tokens) >= 0 and max(tokens) < self.n_vocab):
            raise BadRequest(f"a token id is outside the vocabulary of {self.n_vocab}")
