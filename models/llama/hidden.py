"""Final hidden states over a trie: every token decoded once, no output but where it is read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.engine import Hidden, States
from models.llama.context import Context
from models.llama.decode import Beat, Gap, decode_trie
from models.states import packed
from models.trie import read_out


def hidden(context: Context, request: Hidden, beat: Beat, gap: Gap) -> States:
    trie, ends = read_out(request)
    found: dict[int, NDArray[np.float32]] = {}

    def read(node: int, state: NDArray[np.float32]) -> None:
        found[node] = state.copy()

    unique, decoded = decode_trie(context, trie, set(ends), read, beat, gap, states=True)
    values = packed([found[node] for node in ends])
    return States(values, context.model.width, unique, decoded)
