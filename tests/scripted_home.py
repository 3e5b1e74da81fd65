"""A data folder with tasks, a scripted model and planned runs, and its faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance import locations
from appliance.run import client
from appliance.run.messages import Tune
from models.record import Body, Model, write
from store import commands, database, runs

RUNNER = Path(__file__).parent / "scripted_runner.py"
MODEL = "scripted"
PRICE = 0.01


class Script:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.faults = home / "script"

    def at_home(self, monkeypatch: pytest.MonkeyPatch) -> Script:
        monkeypatch.setenv("STROP_HOME", str(self.home))
        monkeypatch.setenv("STROP_SCRIPT", str(self.faults))
        return self

    def start_runner(self, idle: float = 0.5) -> subprocess.Popen[bytes]:
        """It ends when it was idle for so many seconds."""
        tests = map(str, (RUNNER.parent, RUNNER.parent / "flows"))
        path = os.pathsep.join([*tests, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | {"PYTHONPATH": path, "STROP_IDLE": str(idle)}
        return subprocess.Popen(
            [sys.executable, str(RUNNER)], env=environment, stderr=(self.home / "log").open("ab")
        )

    def run_to_rest(self) -> int:
        return self.start_runner().wait(120)

    @property
    def calls(self) -> int:
        return (self.faults / "calls").stat().st_size

    def kill(self, victim: str, after: int) -> None:
        (self.faults / f"kill-{victim}").write_text(str(self.calls + after))


def add_model(script: Script) -> None:
    """A scripted model that needs no preparation."""
    script.faults.mkdir()
    folder = locations.models_folder() / MODEL
    folder.mkdir(parents=True)
    bodies = {name: Body(f"{name}.gguf", "0" * 64, name, 100.0) for name in ("slow", "fast")}
    model = Model(
        name=MODEL, serving="slow.gguf", sha256="0" * 64, size=1, architecture="none",
        context=4096, licence="", origin="test", added_at=datetime.now(UTC), bodies=bodies,
        search="fast", chosen_with="scripted", twin_sha256="0" * 64,
    )  # fmt: skip
    write(folder / "model.json", model)


def plan(script: Script, patch: pytest.MonkeyPatch, tasks: Sequence[str], **more: Any) -> list[str]:
    """A queued run of each of the store's tasks; their ids."""
    add_model(script)
    patch.setattr(client, "wake_runner", lambda: None)
    with database.open(locations.store_path()) as db:
        asked = [
            client.enqueue(
                db,
                msgspec.convert(
                    {"task": t, "model": MODEL, "minutes": 60.0, "seed": 3, **more}, Tune
                ),
            )
            for t in tasks
        ]
        runner = script.start_runner()
        deadline = time.monotonic() + 200
        while any(commands.get(db, c).status not in ("done", "failed") for c in asked):
            assert time.monotonic() < deadline and runner.poll() is None
            time.sleep(0.02)
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        return [client.answer_to(db, command).run for command in asked]


def reset(db: Any, run: str, budget: float) -> None:
    """Back to just planned, with frozen prices and a ``budget`` of so many tokens."""
    inputs = msgspec.json.decode(runs.get(db, run).inputs)
    for body in inputs["bodies"].values():
        body["prices"] = {"prefill": PRICE, "sample": PRICE, "gradient": PRICE}
    inputs["budget"] = PRICE * budget
    with database.write(db):
        for table in ("journal", "evaluations", "events"):
            db.execute(f"DELETE FROM {table} WHERE run_id = ?", (run,))
        db.execute("DELETE FROM memo")
        db.execute(
            "UPDATE runs SET status = 'queued', spent = 0, inputs = ?, budget = ? WHERE id = ?",
            (msgspec.json.encode(inputs).decode(), inputs["budget"], run),
        )
