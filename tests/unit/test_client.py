"""What a window does to reach the runner."""

from __future__ import annotations

import os
import stat

import pytest

from appliance import locations
from appliance.errors import InputError, StropError
from appliance.run import client
from appliance.run.messages import Bench
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


def test_who_waits_for_a_command_of_a_removed_task_is_told(home):
    gone = pytest.raises(InputError, match="was removed meanwhile")
    with database.open(locations.store_path()) as db, gone:
        client.answer_to(db, 1)
