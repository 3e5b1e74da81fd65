"""The whole line on the real model: plan, search, gradients, selection, verdict, kill, resume."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from appliance import locations
from appliance.data.choices import Choices
from appliance.data.read.jsonl import read_jsonl
from appliance.data.sample import path as sample_folder
from appliance.data.tasks import save
from appliance.run import client
from appliance.run.messages import Tune
from models.catalog import Catalog
from store import check, commands, database, journal, runs, verdicts

RUNNER = Path(__file__).parents[1] / "quick_runner.py"
LABELS = ("supplies", "reports to", "insured by", "located at")
PATIENCE = 900
KILL_AFTER = 6
"""Calls; how many a run makes depends on the speed of the machine."""

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(1800)]


def start_runner() -> subprocess.Popen[bytes]:
    with (locations.home() / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, str(RUNNER)], stdout=log, stderr=log)


@pytest.fixture(scope="module")
def planned(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the model, four relations of the sample, and a run that is queued."""
    home = tmp_path_factory.mktemp("real") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STROP_HOME", str(home))
        patch.setattr(client, "wake_runner", lambda: None)
        catalog = Catalog(locations.models_folder())
        catalog.add_gguf(smollm2, "smollm2-135m", licence="Apache-2.0", origin="test")
        rows = (sample_folder() / "relations.jsonl").read_text().splitlines()
        few = [row for row in rows if msgspec.json.decode(row)["label"] in LABELS]
        (home / "few.jsonl").write_text("\n".join(few))
        db = database.open(locations.store_path())
        save(db, read_jsonl(home / "few.jsonl", Choices("few")))
        command = client.enqueue(db, Tune("few", "smollm2-135m", 0.8, seed=1))
        runner = start_runner()
        deadline = time.monotonic() + PATIENCE
        while commands.get(db, command).status not in ("done", "failed"):
            assert runner.poll() is None and time.monotonic() < deadline, (home / "log").read_text()
            time.sleep(0.05)
        runner.kill()
        runner.wait()
        assert client.answer_to(db, command).run
        with database.write(db):
            db.execute("DELETE FROM journal")
            db.execute("DELETE FROM memo")
            db.execute("UPDATE runs SET status = 'queued', spent = 0")
        db.close()
    return home


@pytest.fixture
def copy(planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "copy"
    shutil.copytree(planned, home, copy_function=os.link, ignore=_store)
    for file in planned.glob("strop.sqlite*"):
        shutil.copy(file, home)
    monkeypatch.setenv("STROP_HOME", str(home))
    return home


def _store(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(("strop.sqlite", "log"))]


def ending() -> tuple:
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    assert run.status == "finished", run.error
    assert check.check(db) == []
    keys = [entry.key for entry in journal.entries(db, run.id)]
    verdict = msgspec.json.decode(verdicts.get(db, run.id).content)
    db.close()
    return run.best_prompt, verdict, keys


@pytest.fixture(scope="module")
def endings() -> dict:
    return {}


def test_a_run_reaches_an_honest_verdict(copy, endings):
    assert start_runner().wait(PATIENCE) == 0, (copy / "log").read_text()
    prompt, verdict, keys = ending()
    assert len(prompt) == 16 and len(keys) > KILL_AFTER
    low, high = verdict["interval"]
    assert low <= verdict["gain"] <= high
    assert verdict["gain"] == pytest.approx(
        verdict["best"]["value"] - verdict["seed"]["value"], abs=1e-9
    )
    assert verdict["words"] in ("better", "no proven gain", "worse")
    assert verdict["better"] == (verdict["p"] < 0.05 and verdict["gain"] > 0)
    assert verdict["n"] == verdict["seed"]["n"] > 30
    endings["uninterrupted"] = prompt, verdict, keys


def test_the_run_killed_in_the_middle_ends_the_same(copy, endings):
    if "uninterrupted" not in endings:
        pytest.skip("the uninterrupted run did not finish")
    runner = start_runner()
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    deadline = time.monotonic() + PATIENCE
    while sum(1 for _ in journal.entries(db, run.id)) < KILL_AFTER:
        assert runner.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    db.close()
    assert start_runner().wait(PATIENCE) == 0, (copy / "log").read_text()
    assert ending() == endings["uninterrupted"]
