"""The real runner over scripted models: ``python tests/scripted_runner.py``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from appliance.host import host, twin
from appliance.run import runner
from models.catalog import Model
from store import database

BEAT = float(os.environ.get("STROP_BEAT", "30"))

runner.IDLE_SECONDS = float(os.environ.get("STROP_IDLE", "0.5"))
runner.POLL_SECONDS = 0.02
database.BUSY_SECONDS = float(os.environ.get("STROP_BUSY", "60"))
# What a scripted model proposes is not what it scores highest.
twin.ANOTHER_MODEL = float("inf")


def scripted_worker(self: host.Host, model: Model, body: str) -> str:
    name = f"{model.name}/{body}"
    if name not in self._open:
        self.pool.open(
            name, "scripted_model:load", {"path": body}, load_timeout=30.0, beat_timeout=BEAT
        )
        self._open[name] = ""
    return name


host.Host.worker = scripted_worker  # type: ignore[method-assign]

if __name__ == "__main__":
    # Test files that bring methods of their own are named here.
    for module in os.environ.get("STROP_METHODS", "").split():
        import_module(module)
    runner.main()
