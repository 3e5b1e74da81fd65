"""Whether a model's files can be used: each is loaded once and asked for numbers."""

from __future__ import annotations

from appliance.errors import StropError
from appliance.host.bodies import any_tokens
from appliance.host.host import Host
from models.catalog import TWIN, Model
from models.engine import Score, Segment
from models.protocol import WorkerError

TOKENS = 16


def try_to_load(host: Host, model: Model) -> list[str]:
    """Returns the problems found, one line a file at most; the workers are closed again."""
    request = Score((Segment(-1, any_tokens(TOKENS), 1),))
    problems = []
    for body in [*model.bodies, *([TWIN] if model.twin_sha256 else [])]:
        try:
            host.pool.call(host.worker(model, body), request)
        except (StropError, WorkerError) as error:
            problems.append(str(error))
        finally:
            host.close(model, body)
    return problems
