"""A twin must read and expect the tokens that its GGUF does, else its gradients are another's."""

from __future__ import annotations

from appliance.encode.tokens import PROBE
from appliance.errors import StropError
from appliance.host.fidelity import fidelity, probe
from appliance.host.host import Host
from models.catalog import TWIN, Model, again
from models.engine import Tokenise, Tokens

ANOTHER_MODEL = 1.0
"""A twin further away than this, in nats, is another model's: a file of two bits a weight is a few
tenths of a nat from what it was made of."""


def check_twin(host: Host, model: Model) -> None:
    """Raises StropError for a twin that reads text as other tokens than its GGUF does, or expects
    other tokens to follow."""
    serving, twin = (host.worker(model, body) for body in (model.serving_body, TWIN))
    ours, theirs = (host.pool.call(worker, Tokenise((PROBE,))) for worker in (serving, twin))
    assert isinstance(ours, Tokens) and isinstance(theirs, Tokens)
    if ours.ids != theirs.ids:
        raise StropError(
            f"the twin of {model.name} reads text as other tokens than its GGUF does, so its "
            "gradients would be those of another prompt; this model cannot be refined"
        )
    away = fidelity(host.pool, serving, twin, probe(host.pool, serving)).divergence
    if away > ANOTHER_MODEL:
        raise StropError(
            f"the twin of {model.name} is {away:.2f} nats from its GGUF, so it is another model's; "
            f"{again(model.name)}"
        )
