"""What a window does to reach the runner."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest

from appliance import locations
from appliance.errors import InputError, RetryableError, StropError
from appliance.run import client
from appliance.run.messages import Bench, Tune
from store import commands, database


def test_nobody_else_can_read_the_log_of_the_runner(monkeypatch):
    monkeypatch.setattr(client, "_started", None)
    monkeypatch.setattr(client.subprocess, "Popen", lambda *_, **__: None)
    before = os.umask(0o022)
    try:
        client.wake_runner()
    finally:
        os.umask(before)
    assert stat.S_IMODE(locations.runner_log().stat().st_mode) == 0o600


def test_a_command_that_no_runner_takes_is_not_carried_out_later(home, monkeypatch):
    def fail() -> None:
        raise StropError("the runner has ended with an error")

    monkeypatch.setattr(client, "wake_runner", fail)
    with database.open(locations.store_path()) as db:
        with pytest.raises(StropError, match="has ended with an error"):
            client.enqueue(db, Bench("notes", "smollm2-135m"))
        assert commands.waiting(db) == []


def test_an_interrupt_while_the_runner_is_started_withdraws_the_command(home, monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "wake_runner", interrupt)
    with database.open(locations.store_path()) as db:
        with pytest.raises(client.Left) as left:
            client.ask(db, Tune("notes", "smollm2-135m", 10.0, seed=1))
        assert left.value.answer is None
        assert commands.unsettled(db) == []


def test_who_waits_for_a_command_of_a_removed_task_is_told(home):
    gone = pytest.raises(InputError, match="was removed meanwhile")
    with database.open(locations.store_path()) as db, gone:
        client.answer_to(db, 1)


def test_who_follows_a_run_is_told_where_a_full_disk_has_ended_the_runner(home, monkeypatch):
    with database.open(locations.store_path()) as db:
        for room, told in ((client.NO_ROOM, "has ended; go on"), (10, "the disk of .* is full")):
            usage = SimpleNamespace(free=room)
            monkeypatch.setattr(client.shutil, "disk_usage", lambda _, usage=usage: usage)
            with pytest.raises(RetryableError, match=told):
                list(client.follow(db, "3f2a"))


def test_an_interrupt_while_the_command_line_loads_ends_it_without_a_word():
    program = (
        "import sys, os, signal\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'appliance.cli':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from appliance.start import main; main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")
