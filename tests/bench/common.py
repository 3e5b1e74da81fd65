"""What the benchmarks share: following a run, and an evaluator over the memo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from appliance import client, locations
from appliance.host import Host
from appliance.interactive import Unrecorded
from appliance.plan import serving_body, tokeniser_of
from appliance.renderer import Renderer
from appliance.scoring.evaluator import Evaluator
from appliance.tasks import Loaded
from appliance.workbench import Prices, Workbench
from models.catalog import Catalog
from models.pool import Pool
from store import memo, runs


class MemoFirst(Unrecorded):
    """Calls that any run has made are not made again; the others are forgotten."""

    def __init__(self, db: Any) -> None:
        super().__init__()
        self.db = db

    def recall(self, key: str) -> bytes | None:
        return memo.get(self.db, key)


def follow_to_verdict(db: Any, run: str) -> dict[str, Any]:
    """Waits for a run's end. Raises RuntimeError if it has no verdict then."""
    for event in client.follow(db, run):
        if event and event.kind == "verdict":
            return msgspec.json.decode(event.body)
    raise RuntimeError(f"run {run}: {runs.get(db, run).status}, {runs.get(db, run).error}")


@contextmanager
def open_evaluator(db: Any, loaded: Loaded, model: str, journal: Unrecorded) -> Iterator[Evaluator]:
    with Pool() as pool:
        host = Host(Catalog(locations.models_folder()), pool, print)
        record = host.prepare(model)
        body = host.body(record, serving_body(record), Prices(0.0))
        bench = Workbench(pool, {"serving": body}, journal, lambda: None)
        renderer = Renderer(loaded.task, loaded.rows, tokeniser_of(host, record))
        yield Evaluator(bench, renderer)
