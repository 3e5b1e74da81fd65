"""The twin of a model: made once, and used only if it is the same model as the GGUF that serves."""

from __future__ import annotations

import msgspec

from appliance.encode.tokens import PROBE
from appliance.errors import StropError
from appliance.host.fidelity import fidelity, probe
from appliance.host.host import Host, verify_file
from models.catalog import TWIN, WEIGHTS, Model, again, hash_file
from models.engine import Detokenise, Texts, Tokenise, Tokens
from models.make import MakeError, NoRoom, make
from models.protocol import WorkerError

ANOTHER_MODEL = 1.0
"""A twin further away than this, in nats, is another model's: a file of two bits a weight is a few
tenths of a nat from what it was made of."""


class NoTwin(StropError):
    """A model has no twin that can be used here now; the message says why."""


def with_twin(host: Host, model: Model) -> Model:
    """Returns the model with a twin that was loaded and compared with its GGUF; the twin is made
    if there is none. Raises NoTwin, after which the twin's worker is closed."""
    try:
        if model.twin_sha256 is None:
            model = _made(host, model)
        _check(host, model)
    except (StropError, WorkerError, MakeError) as error:
        host.close(model, TWIN)
        raise NoTwin(str(error)) from error
    return model


def _made(host: Host, model: Model) -> Model:
    host.note(f"making the twin of {model.name} in PyTorch, once")
    folder = host.catalog.path(model.name)
    verify_file(folder / model.serving, model.sha256, model.name)
    serving, twin, between = folder / model.serving, folder / TWIN, host.pool.turn_aside()
    try:
        make("twin", serving, twin, between=between)
    except NoRoom:
        host.pool.make_room(f"{model.name}/{TWIN}")
        make("twin", serving, twin, between=between)
    model = msgspec.structs.replace(model, twin_sha256=hash_file(folder / TWIN / WEIGHTS))
    host.catalog.update(model)
    return model


def _check(host: Host, model: Model) -> None:
    """Raises StropError for a twin that reads token ids as other text than its GGUF does, or
    expects other tokens to follow. llama.cpp alone makes tokens of text."""
    serving, twin = (host.worker(model, body) for body in (model.serving_body, TWIN))
    coded = host.pool.call(serving, Tokenise((PROBE,)))
    assert isinstance(coded, Tokens)
    ours, theirs = (host.pool.call(worker, Detokenise(coded.ids)) for worker in (serving, twin))
    assert isinstance(ours, Texts) and isinstance(theirs, Texts)
    # Some tokenisers put a space before a text, and take it away again.
    if ours.texts[0].lstrip() != theirs.texts[0].lstrip():
        raise StropError(
            f"the twin of {model.name} reads tokens as other text than its GGUF does, so its "
            "gradients would be those of another prompt"
        )
    away = fidelity(host.pool, serving, twin, probe(host.pool, serving)).divergence
    if away > ANOTHER_MODEL:
        raise StropError(
            f"the twin of {model.name} is {away:.2f} nats from its GGUF, so it is another model's; "
            f"{again(model.name)}"
        )
