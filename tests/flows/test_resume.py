"""A run that is killed anywhere ends with the prompt of the run that was not."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path
from random import Random

import msgspec
import pytest
from scripted_home import Script, plan, reset

from appliance import locations
from appliance.data.choices import Choices
from appliance.data.read.jsonl import read_jsonl
from appliance.data.sample import path as sample_folder
from appliance.data.tasks import save
from appliance.evaluate.workbench import call_key
from appliance.run.recorder import ONCE
from models.engine import Differentiate, Generate, Propose, Request, Score
from store import check, commands, database, events, journal, runs, verdicts

BUDGET = 300_000
"""Tokens; about 80 calls."""

LABELS = ("supplies", "reports to", "insured by")
POINTS = {
    "the first call": lambda calls: 0,
    "an early format": lambda calls: 5,
    "a later format": lambda calls: 21,
    "the first instruction": lambda calls: calls.index(("search", Generate)),
    "a mutation": lambda calls: calls.index(("twin", Differentiate)) - 1,
    "the first gradient": lambda calls: calls.index(("twin", Differentiate)),
    "the first proposals": lambda calls: calls.index(("search", Propose)),
    "the first edit": lambda calls: calls.index(("search", Propose)) + 1,
    "the selection": lambda calls: calls.index(("serving", Score)),
    "the verdict": lambda calls: len(calls) - 1,
}
"""Places in a run, among the calls that its models answered."""

ROLES = ("search", "twin", "serving")
"""The reasoner is the search body."""


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose one run is queued: every test works on a copy, so that all have its inputs."""
    home = tmp_path_factory.mktemp("planned") / "home"
    with pytest.MonkeyPatch.context() as patch:
        script = Script(home).at_home(patch)
        db = database.open(locations.store_path())
        rows = (sample_folder() / "relations.jsonl").read_text().splitlines()
        few = [row for row in rows if msgspec.json.decode(row)["label"] in LABELS]
        (home / "few.jsonl").write_text("\n".join(few))
        save(db, read_jsonl(home / "few.jsonl", Choices("few")))
        [run] = plan(script, patch, ["few"], readout="words")
        reset(db, run, BUDGET)
        db.close()
    return home


@pytest.fixture
def script(planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    shutil.copytree(planned, tmp_path / "copy")
    copy = Script(tmp_path / "copy").at_home(monkeypatch)
    (copy.faults / "calls").write_text("")
    return copy


@pytest.fixture(scope="session")
def uninterrupted(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    home = tmp_path_factory.mktemp("uninterrupted") / "home"
    shutil.copytree(planned, home)
    with pytest.MonkeyPatch.context() as patch:
        script = Script(home).at_home(patch)
        (script.faults / "calls").write_text("")
        assert script.run_to_rest() == 0, (home / "log").read_text()
        return ending(), script.calls, home


def ending() -> tuple:
    """What a finished run comes to: its prompt, its verdict, its journal's calls, what it told."""
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    assert run.status == "finished", run.error
    assert check.check(db) == []
    calls = [(entry.key, entry.reply) for entry in journal.entries(db, run.id)]
    verdict = verdicts.get(db, run.id).content
    told = [(e.kind, e.content) for e in events.since(db, 0, run.id) if e.kind in ONCE]
    db.close()
    return run.best_prompt, verdict, calls, told


def ended_as(ended: tuple, uninterrupted: tuple) -> None:
    """The same but for the commands in its journal."""
    prompt, verdict, calls, told = ended
    assert (prompt, verdict, [call for call in calls if call[0]], told) == uninterrupted[0]


@pytest.fixture(scope="session")
def answered(uninterrupted) -> list[tuple[str, type]]:
    """Role and kind of each call that a model answered; what the memo knew is not among them."""
    _, made, home = uninterrupted
    db = database.open(home / "strop.sqlite")
    [run] = runs.all(db)
    bodies = msgspec.json.decode(run.inputs)["bodies"]
    found = {}
    for entry in journal.entries(db, run.id):
        request = msgspec.msgpack.decode(entry.request, type=Request)
        role = next(r for r in ROLES if call_key(bodies[r]["identity"], request) == entry.key)
        found.setdefault(entry.key, (role, type(request)))
    db.close()
    assert len(found) == made
    return list(found.values())


@pytest.mark.parametrize("point", POINTS)
def test_a_run_whose_runner_is_killed_ends_the_same_and_repeats_one_call(
    script, uninterrupted, answered, point
):
    script.kill("runner", POINTS[point](answered) + 1)
    assert script.run_to_rest() == -signal.SIGKILL
    assert script.run_to_rest() == 0
    expected, made, _ = uninterrupted
    assert ending() == expected
    assert script.calls <= made + 1


@pytest.mark.parametrize("point", POINTS)
def test_a_run_whose_worker_is_killed_ends_the_same_and_repeats_one_call(
    script, uninterrupted, answered, point
):
    script.kill("worker", POINTS[point](answered) + 1)
    assert script.run_to_rest() == 0
    expected, made, _ = uninterrupted
    assert ending() == expected
    assert script.calls <= made + 1


def test_a_paused_run_waits_and_ends_the_same_after_resume(script, uninterrupted):
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    pause = commands.enqueue(db, "pause", "{}", run.id)
    assert script.run_to_rest() == 0
    assert runs.get(db, run.id).status == "paused"
    assert commands.get(db, pause).status == "done"
    commands.enqueue(db, "resume", "{}", run.id)
    assert script.run_to_rest() == 0
    ended_as(ending(), uninterrupted)


def test_a_run_that_is_paused_and_killed_before_it_heard_stays_paused(script, uninterrupted):
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    script.kill("runner", 13)
    script.run_to_rest()
    pause = commands.enqueue(db, "pause", "{}", run.id)
    assert script.run_to_rest() == 0
    assert runs.get(db, run.id).status == "paused"
    assert commands.get(db, pause).answer == "{}"
    commands.enqueue(db, "finish", "{}", run.id)
    assert script.run_to_rest() == 0
    prompt, verdict, calls, _ = ending()
    assert prompt and verdict
    commanded = [i for i, call in enumerate(calls) if not call[0]]
    assert commanded == [commanded[0], commanded[0] + 1]
    assert calls[: commanded[0]] == uninterrupted[0][2][: commanded[0]]


def test_a_run_is_paused_in_the_middle_and_ends_the_same_after_resume(script, uninterrupted):
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    runner = script.start_runner()
    deadline = time.monotonic() + 60
    while script.calls < 5:
        assert time.monotonic() < deadline and runner.poll() is None
    commands.enqueue(db, "pause", "{}", run.id)
    assert runner.wait(120) == 0
    assert runs.get(db, run.id).status == "paused"
    commands.enqueue(db, "resume", "{}", run.id)
    assert script.run_to_rest() == 0
    ended_as(ending(), uninterrupted)


def begun(script, runner):
    """Waits until the run that a runner works on has made some calls."""
    deadline = time.monotonic() + 60
    while script.calls < 5:
        assert time.monotonic() < deadline and runner.poll() is None


def test_a_run_waits_for_a_store_that_another_process_keeps_locked(
    script, uninterrupted, monkeypatch
):
    monkeypatch.setenv("STROP_BUSY", "0.02")
    runner = script.start_runner()
    begun(script, runner)
    other = database.open(locations.store_path())
    other.execute("BEGIN IMMEDIATE")
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        assert runner.poll() is None
    other.execute("COMMIT")
    assert runner.wait(120) == 0
    ended_as(ending(), uninterrupted)
    notes = [event.content for event in events.since(other, 0) if event.kind == "note"]
    assert any("another process kept the store locked; the work waited" in n for n in notes)


def test_a_run_that_the_disk_breaks_off_ends_the_same_once_there_is_room(script, uninterrupted):
    runner = script.start_runner()
    begun(script, runner)
    resource.prlimit(runner.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    assert runner.wait(120) == 1
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    assert run.status == "running" and check.check(db) == []
    assert script.run_to_rest() == 0
    ended_as(ending(), uninterrupted)


def test_finishing_goes_to_the_verdict_with_the_best_so_far(script):
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    commands.enqueue(db, "finish", "{}", run.id)
    assert script.run_to_rest() == 0
    prompt, verdict, calls, _ = ending()
    assert prompt and verdict
    assert len(calls) < 40


def test_other_inputs_than_the_journals_are_noticed(script):
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    script.kill("runner", 6)
    script.run_to_rest()
    inputs = msgspec.json.decode(runs.get(db, run.id).inputs)
    inputs["seed"] += 1
    with database.write(db):
        db.execute("UPDATE runs SET inputs = ?", (msgspec.json.encode(inputs).decode(),))
    script.run_to_rest()
    failed = runs.get(db, run.id)
    assert failed.status == "failed" and "start a new run" in failed.error


@pytest.mark.slow
def test_a_run_whose_worker_suffers_a_hundred_faults_ends_the_same(script, tmp_path, monkeypatch):
    """Killed, stopped, aborted and out of memory at random calls, a quarter each; none is left."""
    db = database.open(locations.store_path())
    [run] = runs.all(db)
    reset(db, run.id, 3 * BUDGET)
    db.close()
    shutil.copytree(script.home, tmp_path / "calm")
    calm = Script(tmp_path / "calm").at_home(monkeypatch)
    assert calm.run_to_rest() == 0
    expected, made = ending(), calm.calls
    random, script = Random(1), script.at_home(monkeypatch)
    monkeypatch.setenv("STROP_BEAT", "0.5")
    # Every second call at most, since a call that fails twice is given up.
    for place, number in enumerate(sorted(random.sample(range(1, (made + 100) // 2), 100))):
        fault = ("kill", "stop", "abort", "memory")[place % 4]
        (script.faults / f"fault-{2 * number}").write_text(fault)
    runner = script.start_runner()
    assert runner.wait(300) == 0, (script.home / "log").read_text()
    assert ending() == expected
    assert script.calls == made + 100
    left = subprocess.run(["ps", "-eo", "ppid,stat"], capture_output=True, text=True).stdout
    assert not [line for line in left.splitlines() if line.split()[0] == str(runner.pid)]
