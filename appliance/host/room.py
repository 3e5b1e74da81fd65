"""A run is refused before it starts where memory does not hold the context that a row needs."""

from __future__ import annotations

from appliance.errors import InputError
from appliance.host.host import Host
from models.catalog import Model
from models.headers import read_gguf
from models.memory import BATCH, CELLS, NVIDIA, MemoryShort, check, needed_by_context


def check_room(host: Host, model: Model, longest: int) -> None:
    """Raises InputError where memory does not hold ``longest`` tokens of the model, if a context
    larger than the first one is needed. A card has memory of its own, which llama.cpp alone knows.
    """
    if longest + BATCH <= CELLS or NVIDIA.exists():
        return
    header = read_gguf(host.catalog.path(model.name) / model.serving)
    what = f"the longest row takes {longest} tokens, whose context"
    try:
        check(needed_by_context(header, longest, BATCH), what)
    except MemoryShort as error:
        raise InputError(f"{error}, or leave out the longest rows") from error
