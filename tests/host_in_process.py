"""A host whose models answer in the test's own process; nothing is measured or opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from in_process import Engine, InProcess

from appliance.host.host import Host
from models.catalog import Body, Model


def tiny_model(name: str = "tiny", sha256: str = "0" * 64) -> Model:
    return Model(
        name=name,
        serving="tiny.gguf",
        sha256=sha256,
        size=4,
        architecture="llama",
        context=4096,
        licence="Apache-2.0",
        origin="a test",
        added_at=datetime(2026, 1, 1, tzinfo=UTC),
        bodies={"Q4_0": Body("tiny.gguf", sha256, "Q4_0", 100.0)},
        search="Q4_0",
        twin_sha256="0" * 64,
    )


MODEL = tiny_model()


class HostInProcess(Host):
    """One engine answers for every model."""

    def __init__(self, engine: Engine, models: Sequence[Model] = (MODEL,)) -> None:
        catalog: Any = SimpleNamespace(get={model.name: model for model in models}.__getitem__)
        pool: Any = InProcess(engine)
        super().__init__(catalog, pool, print)

    def worker(self, model: Model, body: str) -> str:
        return f"{model.name}/{body}"
