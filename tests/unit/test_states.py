"""One table says what is allowed in each status of a run; everybody who asks gets its answer."""

from __future__ import annotations

from typing import get_args

import pytest

from appliance import locations
from appliance.cli import exits
from appliance.cli.runs.results import CODES
from appliance.errors import InputError
from appliance.run import client, runner
from appliance.run.messages import COMMANDS
from appliance.run.states import (
    AT_WORK,
    JOURNALLED,
    RESTING,
    STATES,
    Control,
    Status,
    allows,
    is_final,
)
from models.pool import Pool
from store import commands, database, prompts, runs, tasks
from tui.screens.main import Main
from tui.widgets.run_list import MARKS

CONTROLS = get_args(Control)


@pytest.fixture
def serving(home, monkeypatch):
    monkeypatch.setattr(client, "wake_runner", lambda: None)
    with database.open(locations.store_path()) as db, Pool() as pool:
        tasks.add(db, id="t", name="t", content="{}", split_hash="s", rows=[], cases=[])
        prompts.add(db, id="p", task_id="t", content="{}")
        runs.create(
            db, id="a", task_id="t", inputs="{}", seed_prompt="p", budget=9, status="queued"
        )
        yield runner.Runner(db, pool)


def test_every_status_is_in_the_table_and_no_other():
    assert tuple(STATES) == get_args(Status)


ALLOWED = {
    "queued": {"pause", "stop", "finish"},
    "running": {"pause", "stop", "finish"},
    "paused": {"stop", "finish", "resume"},
    "stopped": {"finish", "resume"},
    "failed": {"resume"},
    "finished": set(),
}


def test_a_status_allows_what_a_person_would_expect():
    found = {status: {c for c in CONTROLS if allows(status, c)} for status in STATES}
    assert found == ALLOWED


def test_every_control_is_a_command_and_allowed_in_some_status():
    assert set(CONTROLS) <= set(COMMANDS)
    assert {control for state in STATES.values() for control in state.allows} == set(CONTROLS)


def test_the_window_marks_every_status():
    assert set(MARKS) == set(STATES)


def test_the_window_has_a_key_for_every_control():
    sent = {binding.action for binding in Main.BINDINGS if binding.action.startswith("send(")}
    assert sent == {f"send('{control}')" for control in CONTROLS}


def test_an_exit_code_is_known_for_every_status_in_which_following_ends():
    assert set(CODES) == {status for status in STATES if is_final(status)}
    resumable = {status for status in CODES if allows(status, "resume")}
    assert resumable == {s for s, code in CODES.items() if code in (exits.RETRY, exits.FAILED)}


def test_a_run_that_is_at_work_is_not_final_and_every_other_is():
    assert AT_WORK == ("queued", "running")
    assert [status for status in STATES if not is_final(status)] == list(AT_WORK)


def test_what_a_control_brings_about_allows_no_more_of_that_control():
    for control, status in RESTING.items():
        assert is_final(status) and not allows(status, control)


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("control", JOURNALLED)
def test_the_runner_accepts_what_the_window_offers(serving, control, status):
    runs.set_status(serving.db, "a", status)
    command = commands.enqueue(serving.db, control, "{}", "a")
    serving.obey(commands.take(serving.db))
    if allows(status, control) or RESTING.get(control) == status:
        client.answer_to(serving.db, command)
        assert runs.get(serving.db, "a").status == RESTING.get(control, "queued")
    else:
        with pytest.raises(InputError, match=f"run a is {status}: there is nothing to {control}"):
            client.answer_to(serving.db, command)


@pytest.mark.parametrize("status", STATES)
def test_the_runner_queues_again_what_the_window_offers_to_resume(serving, status):
    runs.set_status(serving.db, "a", status)
    command = commands.enqueue(serving.db, "resume", "{}", "a")
    serving.obey(commands.take(serving.db))
    assert client.answer_to(serving.db, command).run == "a"
    assert runs.get(serving.db, "a").status == ("queued" if allows(status, "resume") else status)
