"""A run goes on with the models that it was started with, and loads those that it asks alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from appliance.errors import StropError
from appliance.evaluate.workbench import Body, Prices
from appliance.run.unchanged import Unchanged
from models.engine import Tokenise

FREE = Prices(0.0)
BODIES = {role: Body(f"tiny/{role}", f"{role} 1", FREE) for role in ("search", "serving", "twin")}


class AnyHost:
    """``hashed`` and ``loaded`` are the bodies whose files were hashed, and whose engines asked."""

    def __init__(self, **identities: str) -> None:
        self.identities = identities
        self.hashed: list[str] = []
        self.loaded: list[str] = []
        self.catalog = SimpleNamespace(get=lambda name: name)
        self.pool = SimpleNamespace(call=lambda name, request: name)

    def worker(self, model: str, body: str) -> str:
        self.hashed.append(body)
        return f"{model}/{body}"

    def body(self, model: str, body: str, prices: Prices) -> Body:
        self.loaded.append(body)
        return Body(f"{model}/{body}", self.identities.get(body, f"{body} 1"), prices)


def test_all_files_are_hashed_at_once_and_no_model_is_loaded_but_those_that_are_asked():
    host: Any = AnyHost()
    models = Unchanged(host, BODIES)
    assert host.hashed == list(BODIES) and host.loaded == []
    for _ in range(2):
        assert models.call("tiny/serving", Tokenise(())) == "tiny/serving"
    assert host.loaded == ["serving"]


def test_an_engine_that_has_changed_is_not_asked():
    host: Any = AnyHost(twin="twin 2")
    models = Unchanged(host, BODIES)
    models.call("tiny/search", Tokenise(()))
    with pytest.raises(StropError, match="the twin model or its engine has changed since this run"):
        models.call("tiny/twin", Tokenise(()))
