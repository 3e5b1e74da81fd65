"""What windows and the runner say to each other, as the store has it."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from appliance.errors import InputError
from appliance.host.measure import Bench as Benched
from appliance.prompts.prompt import Prompt
from appliance.run import events, messages
from appliance.run.events import EVENTS, GivenVerdict, StatusChanged, Tried, decode_event
from appliance.run.messages import (
    ANSWERS,
    AT_ONCE,
    COMMANDS,
    Bench,
    Evaluate,
    FitMap,
    Inputs,
    Obeyed,
    Pause,
    Planned,
    Replay,
    Tune,
    decode_answer,
    decode_command,
    encode,
    kind_of,
)
from appliance.verdict.verdict import Verdict

PROMPT = Prompt((), "{text}\n= {label}\n")
STORED_PROMPT = {"sections": [], "example": "{text}\n= {label}\n"}
COMMANDS_AND_BODIES = [
    (
        Tune("t", "m", 10.0, seed=1),
        "tune",
        {"task": "t", "model": "m", "minutes": 10.0, "seed": 1},
    ),
    (
        Tune("t", "m", 1.0, 2, "r", PROMPT, stretch=True, methods=("opro",)),
        "tune",
        {"task": "t", "model": "m", "minutes": 1.0, "seed": 2, "reasoner": "r", "stretch": True}
        | {"prompt": STORED_PROMPT, "methods": ["opro"]},
    ),
    (
        Evaluate("t", "selection", "m", {"a.json": PROMPT}),
        "eval",
        {"task": "t", "split": "selection", "model": "m", "limit": None, "first_yes": False}
        | {"prompts": {"a.json": STORED_PROMPT}},
    ),
    (FitMap("t", "m", PROMPT), "fit", {"task": "t", "model": "m", "prompt": STORED_PROMPT}),
    (Bench("t", "m"), "bench", {"task": "t", "model": "m", "within": None}),
    (Replay("ab12"), "replay", {"run": "ab12"}),
    (Pause(), "pause", {}),
]


@pytest.mark.parametrize(("command", "kind", "body"), COMMANDS_AND_BODIES)
def test_a_command_is_stored_under_its_kind_and_read_as_it_was_written(command, kind, body):
    assert kind_of(command) == kind
    assert json.loads(encode(command)) == body
    assert decode_command(kind, encode(command)) == command


def test_the_command_of_an_older_window_is_read():
    body = '{"task":"t","model":"m","minutes":10,"seed":1,"reasoner":null}'
    assert decode_command("tune", body) == Tune("t", "m", 10.0, seed=1)


def test_minutes_without_end_are_none_once_they_are_stored():
    assert decode_command("tune", encode(Tune("t", "m", float("inf"), 1))).minutes is None


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("dance", "{}", "unknown command 'dance'"),
        ("tune", '{"task":"t"}', "this is no tune command: .*`model`"),
        ("pause", '{"run":"a"}', "this is no pause command: .*unknown field `run`"),
        ("replay", "{", "this is no replay command"),
        ("eval", '{"task":"t","split":"tuning","model":"m","prompts":{"a":{}}}', "no eval command"),
    ],
)
def test_what_is_no_command_is_refused_in_words(kind, body, message):
    with pytest.raises(InputError, match=message):
        decode_command(kind, body)


def test_commands_that_occupy_the_models_for_long_wait_for_the_run_that_is_worked_on():
    assert set(COMMANDS) - AT_ONCE == {"tune", "bench"}


def test_every_command_has_an_answer():
    assert {*ANSWERS, "bench"} == set(COMMANDS)
    assert decode_answer("resume", '{"run":"a"}') == Planned("a")
    assert decode_answer("pause", "{}") == Obeyed()
    bench = Benched("m", "t", 0.02, (), 1.0, 2.0, None, "words")
    assert decode_answer("bench", encode(bench)) == bench


def test_every_kind_names_one_struct():
    structs = [*COMMANDS.values(), *EVENTS.values()]
    assert len(set(structs)) == len(structs)
    assert [kind_of(msgspec.convert({}, COMMANDS[k])) for k in ("stop", "finish")] == [
        "stop",
        "finish",
    ]


def test_an_event_that_nobody_tells_of_is_passed_over():
    assert decode_event("sneeze", "{}") is None


def test_a_candidate_is_stored_with_its_figures_beside_its_operator():
    tried = Tried("p", "accuracy", 0.5, (0.4, 0.6), 1.5, 60, "rewrite", "task", "leads")
    body = {
        "prompt": "p", "metric": "accuracy", "value": 0.5, "interval": [0.4, 0.6], "loss": 1.5,
        "n": 60, "operator": "rewrite", "section": "task", "outcome": "leads",
    }  # fmt: skip
    assert (events.kind_of(tried), json.loads(encode(tried))) == ("candidate", body)
    assert decode_event("candidate", encode(tried)) == tried


def test_a_status_without_an_error_is_read_like_one_with_it():
    assert decode_event("status", '{"status":"paused"}') == StatusChanged("paused")


def test_a_verdict_is_told_with_its_look_beside_its_figures():
    fields = GivenVerdict.__struct_fields__
    assert fields == (*Verdict.__struct_fields__, "look")


def test_the_inputs_of_an_older_run_are_read():
    older = {
        "task": "t", "split_hash": "h", "model": "m", "reasoner": "m", "minutes": 10.0, "seed": 1,
        "budget": 6e5, "verdict_cost": 6e4, "plan": {}, "version": "0",
        "bodies": {"search": {"worker": "m/q", "identity": "i", "prices": {"prefill": 1.0}}},
    }  # fmt: skip
    found = msgspec.json.decode(json.dumps(older), type=Inputs)
    assert (found.start, found.methods, found.experience) == (None, (), ())
    assert msgspec.json.decode(encode(found), type=Inputs) == found


def test_reading_messages_loads_no_numerical_library():
    probe = f"import {messages.__name__}, sys; print({{'numpy', 'scipy'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
