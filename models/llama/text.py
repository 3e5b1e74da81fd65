"""Converts text to token ids and back with llama.cpp's tokeniser, the one authority."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property

import llama_cpp as C

from models.trie import BadRequest


class Vocabulary:
    def __init__(self, vocab: C.llama_vocab_p) -> None:
        self.vocab = vocab
        self.size = C.llama_vocab_n_tokens(vocab)
        self._pieces: dict[int, bytes] = {}

    def ids(self, text: str) -> list[int]:
        """The text's token ids; special tokens are neither added nor parsed out of the text."""
        data = text.encode()
        if not data:
            return []
        buffer = (C.llama_token * (len(data) + 8))()
        count = C.llama_tokenize(self.vocab, data, len(data), buffer, len(buffer), False, False)
        if count < 0:
            raise ValueError(f"llama.cpp could not tokenise {len(data)} bytes")
        return list(buffer[:count])

    def ends(self, text: str, ids: Sequence[int]) -> list[int]:
        """The byte offset in the text at which each token ends.

        A tokeniser that puts a space of its own before the text makes its first token one byte too
        long. That byte is taken off, so that offsets always end at the text's length.
        """
        total = sum(len(self.piece(token)) for token in ids)
        at = len(text.encode()) - total
        result = []
        for token in ids:
            at += len(self.piece(token))
            result.append(max(at, 0))
        return result

    def piece(self, token: int) -> bytes:
        """A token's bytes, empty for a special one. Raises BadRequest for an unknown id."""
        piece = self._pieces.get(token)
        if piece is None:
            if not 0 <= token < self.size:
                raise BadRequest(f"token id {token} is outside the vocabulary of {self.size}")
            buffer = ctypes.create_string_buffer(256)
            size = C.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
            if size < 0:
                buffer = ctypes.create_string_buffer(-size)
                size = C.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
            piece = self._pieces[token] = buffer.raw[:size]
        return piece

    def text(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.piece, ids)).decode(errors="replace")

    def ends_generation(self, token: int) -> bool:
        return bool(C.llama_vocab_is_eog(self.vocab, token))

    @cached_property
    def specials(self) -> dict[str, int]:
        """Maps the text of every control token, as the chat template writes it, to its id."""
        return {
            (C.llama_vocab_get_text(self.vocab, token) or b"").decode(errors="replace"): token
            for token in range(self.size)
            if C.llama_vocab_is_control(self.vocab, token)
        }

    @property
    def bos(self) -> int | None:
        """The token that starts every sequence; None where the model asks for none."""
        token = C.llama_vocab_bos(self.vocab)
        return int(token) if token >= 0 and C.llama_vocab_get_add_bos(self.vocab) else None

    @property
    def eos(self) -> int | None:
        token = C.llama_vocab_eos(self.vocab)
        return int(token) if token >= 0 else None

    @property
    def bos_token(self) -> str:
        """The text of the beginning token, whether or not every sequence starts with it."""
        return self._name(C.llama_vocab_bos(self.vocab))

    @property
    def eos_token(self) -> str:
        return self._name(C.llama_vocab_eos(self.vocab))

    def _name(self, token: int) -> str:
        """A special token's text. Where a file names no such token, llama.cpp may give the id of an
        ordinary one, which has no name here."""
        return next((text for text, known in self.specials.items() if known == token), "")
