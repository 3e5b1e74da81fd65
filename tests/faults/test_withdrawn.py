"""What is asked and no longer waited for is not carried out, however whoever asked it left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tiny_tasks
from scripted_home import Script, add_model, plan, reset

from appliance import locations
from appliance.data.tasks import load, save
from appliance.run import client
from appliance.run.messages import Bench, Evaluate, FitMap, Planned, Tune
from appliance.run.waiting import is_waiting, waiting
from store import commands, database, runs

PROGRAM = "from appliance.cli import main; main()"


@pytest.fixture
def script(home: Any, monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(home).at_home(monkeypatch)
    with database.open(locations.store_path()) as db:
        save(db, tiny_tasks.imported("classify"))
    return script


@pytest.fixture
def db(script: Script) -> Iterator[Any]:
    opened = database.open(locations.store_path())
    yield opened
    opened.close()


@pytest.fixture
def runner(script: Script) -> Iterator[subprocess.Popen[bytes]]:
    add_model(script)
    started = script.start_runner(idle=30)
    until(client.runner_is_alive)
    yield started
    started.kill()
    started.wait()


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ask(db: Any, *command: str) -> subprocess.Popen[str]:
    """``strop eval`` of the seed, or another command, in a process of its own."""
    seed = load(db, "topics").seed.id
    given = command or ("eval", seed, "--task", "topics", "--split", "tuning")
    pipe = subprocess.PIPE
    program = [sys.executable, "-c", PROGRAM, *given]
    return subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True)


def stuck(script: Script, call: int = 1) -> Callable[[], bool]:
    """Makes this call wait until it is broken off; whether it has begun."""
    script.faults.joinpath(f"fault-{call}").write_text("wait")
    calls = script.faults / "calls"
    return lambda: calls.exists() and calls.stat().st_size >= call


def last(db: Any) -> Any:
    id = db.execute("SELECT max(id) FROM commands").fetchone()[0]
    return commands.get(db, id)


def test_an_interrupted_eval_is_broken_off_and_the_next_one_is_answered(script, db, runner):
    begun = stuck(script)
    asked = ask(db)
    until(begun)
    asked.send_signal(signal.SIGINT)
    stdout, stderr = asked.communicate(timeout=60)
    assert (asked.returncode, stdout) == (130, "")
    assert "the eval was withdrawn, nothing of it goes on" in stderr and "Traceback" not in stderr
    following = ask(db)
    stdout, stderr = following.communicate(timeout=60)
    assert following.returncode == 0 and "accuracy" in stdout, stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_an_eval_whose_terminal_is_gone_is_broken_off(script, db, runner, number):
    begun = stuck(script)
    asked = ask(db)
    until(begun)
    asked.send_signal(number)
    asked.communicate(timeout=60)
    until(lambda: last(db).status == "failed")
    assert "nobody waits for the answer any more" in last(db).answer
    assert runner.poll() is None


def test_a_runner_that_died_over_an_abandoned_eval_is_followed_by_one_that_leaves_it(
    script, db, runner
):
    begun = stuck(script)
    asked = ask(db)
    until(begun)
    runner.kill()
    runner.wait()
    asked.kill()
    asked.communicate()
    assert last(db).status == "taken"
    assert script.run_to_rest() == 0
    assert "nobody waits" in last(db).answer and script.calls == 1


def test_a_tune_that_is_interrupted_while_it_is_planned_makes_no_run(script, db, runner):
    begun = stuck(script, call=2)
    asked = ask(db, "tune", "topics", "--minutes", "60")
    until(begun)
    asked.send_signal(signal.SIGINT)
    _, stderr = asked.communicate(timeout=60)
    assert asked.returncode == 130 and "the tune was withdrawn" in stderr
    following = ask(db)
    assert following.wait(60) == 0
    assert runs.all(db) == []


def test_an_eval_in_the_middle_of_a_runs_call_is_broken_off_and_the_run_goes_on(
    script, db, monkeypatch
):
    with monkeypatch.context() as patch:
        [run] = plan(script, patch, ["topics"])
    reset(db, run, 20_000)
    (script.faults / "calls").write_text("")
    calling, evaluating = stuck(script, call=3), stuck(script, call=4)
    runner = script.start_runner(idle=30)
    try:
        until(calling)
        asked = ask(db)
        until(evaluating)
        asked.kill()
        asked.communicate()
        following = ask(db)
        assert following.wait(60) == 0
        assert runs.get(db, run).status == "running"
        (script.faults / "go").touch()
        until(lambda: runs.get(db, run).status == "finished")
    finally:
        runner.kill()
        runner.wait()


def test_who_asks_is_told_what_is_carried_out_first(script, db, runner):
    begun = stuck(script)
    first = ask(db)
    until(begun)
    second = ask(db)
    assert second.stderr is not None
    assert second.stderr.readline() == "asked before and carried out first: eval\n"
    for asked in (second, first):
        asked.send_signal(signal.SIGINT)
        asked.communicate(timeout=60)


def test_an_interrupt_that_comes_too_late_says_what_goes_on(script, db, monkeypatch):
    monkeypatch.setattr(client, "wake_runner", lambda: None)
    settled: list[int] = []

    def leave() -> None:
        if not settled:
            settled.append(last(db).id)
            commands.settle(db, settled[0], '{"run":"3f2a"}')
            raise KeyboardInterrupt

    with pytest.raises(client.Left) as left:
        client.ask(db, Tune("topics", "scripted", 60.0, 1), meanwhile=leave)
    assert left.value.answer == Planned("3f2a")


def test_only_what_nothing_but_an_answer_comes_of_ends_with_who_asked():
    assert Evaluate.awaited and FitMap.awaited and Bench.awaited and not Tune.awaited


def test_an_asker_waits_until_the_block_ends():
    look = "from appliance.run.waiting import is_waiting; import sys; print(is_waiting({}))"

    def seen(asker: int) -> str:
        program = [sys.executable, "-c", look.format(asker)]
        return subprocess.check_output(program, text=True).strip()

    with waiting() as asker:
        assert seen(asker) == "True"
    assert seen(asker) == "False" and not is_waiting(asker)
