"""A store of an older version opens with everything that was in it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import msgspec
import pytest
from sqlite_utils import Database

from appliance.data.records import prompt_in
from appliance.prompts.prompt import Prompt, Section
from appliance.statistics.proportions import wilson
from appliance.verdict.verdict import Verdict
from store import audit, commands, database, events, migrations, prompts, runs, verdicts
from store.check import check

SIDE = {"prompt": "p", "accuracy": 0.25, "interval": [0.1, 0.4], "n": 20}
VERDICT = {
    "seed": SIDE, "best": {**SIDE, "accuracy": 0.5}, "n": 20, "gain": 0.25, "interval": [0, 0.5],
    "p": 0.02, "wins": 6, "losses": 1, "better": True, "words": "better", "model": "tiny",
    "body": "Q4_1", "split": "test", "unit": "case", "clusters": 0, "alpha": 0.025, "power": 0.4,
    "answers": [["c1", "owns", "owns", "employs"]],
}  # fmt: skip


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A store of the first schema, with a finished run."""
    path = tmp_path / "store.db"
    connection = sqlite3.connect(path, isolation_level=None)
    db = Database(connection, strict=True)
    migrations.migrations.apply(db, stop_before="m0002_measures")
    db.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO tasks VALUES ('t', 'notes', '{}', 'h', 'now')")
    db.execute("INSERT INTO prompts VALUES ('p', 't', NULL, '', '', '', '{}', 'now')")
    db.execute(
        "INSERT INTO runs VALUES ('r', 't', 'finished', '{}', 'p', 'p', '', 0, 9, NULL, 'now', "
        "NULL, NULL)"
    )
    db.execute(
        "INSERT INTO evaluations VALUES ('r', 0, 'p', 'search', 'tuning', 60, 0.5, 1.25, 3.0), "
        "('r', 1, 'p', 'search', 'tuning', 24, 0.0, 1.25, 4.0)"
    )
    told = [
        ("candidate", {"prompt": "p", "operator": "x", "section": "", "outcome": "kept",
                       "accuracy": 0.5, "loss": 1.0, "n": 60}),
        ("best", {"prompt": "p", "accuracy": 0.5, "loss": 1.0, "n": 60}),
        ("note", {"text": "accuracy"}),
        ("verdict", {**VERDICT, "look": 1}),
    ]  # fmt: skip
    for kind, body in told:
        db.execute(
            "INSERT INTO events (run_id, kind, body, at) VALUES ('r', ?, ?, 'now')",
            (kind, json.dumps(body)),
        )
    db.execute("INSERT INTO verdicts VALUES ('r', 't', ?, 'now')", (json.dumps(VERDICT),))
    db.execute("INSERT INTO looks VALUES ('t', 1, 'r', 'now')")
    audit.append_within(db, "look", {"task": "t", "run": "r"})
    connection.close()
    return path


def test_accuracies_become_values_with_the_interval_that_they_were_shown_with(first):
    with database.open(first) as db:
        half, nothing = runs.evaluations(db, "r")
        expected = wilson(30, 60)
        assert (half.value, half.n, half.loss, half.spent) == (0.5, 60, 1.25, 3.0)
        assert (half.low, half.high) == (round(expected.low, 4), round(expected.high, 4))
        assert (nothing.value, nothing.low) == (0.0, 0.0)
        assert nothing.high == round(wilson(0, 24).high, 4)


def test_what_a_run_told_is_told_in_the_new_words(first):
    with database.open(first) as db:
        told = {event.kind: json.loads(event.content) for event in events.since(db, 0, "r")}
        for kind in ("candidate", "best"):
            body = told[kind]
            assert (body["metric"], body["value"], body["n"]) == ("accuracy", 0.5, 60)
            assert body["interval"] == [0.3774, 0.6226] and "accuracy" not in body
        assert told["note"] == {"text": "accuracy"}
        assert told["verdict"]["best"]["value"] == 0.5 and told["verdict"]["look"] == 1


@pytest.mark.parametrize(("clusters", "test"), [(0, "exact McNemar"), (8, "sign flip")])
def test_a_verdict_is_still_one_though_its_single_answers_are_gone(first, clusters, test):
    with sqlite3.connect(first) as old:
        body = json.dumps({**VERDICT, "clusters": clusters, "unit": "relation"})
        old.execute("UPDATE verdicts SET body = ?", (body,))
    old.close()
    with database.open(first) as db:
        record = verdicts.get(db, "r")
        assert record is not None
        found = msgspec.json.decode(record.content, type=Verdict)
        assert (found.seed.value, found.best.value, found.gain) == (0.25, 0.5, 0.25)
        assert (found.metric, found.test, found.answers) == ("accuracy", test, ())
        assert found.seed.interval == (0.1, 0.4)


def test_an_older_store_is_sound_and_is_of_the_newest_schema(first):
    with database.open(first) as db:
        assert check(db) == []
        assert database.pragma(db, "user_version") == migrations.SCHEMA
    fresh = first.with_name("fresh.db")
    with database.open(first) as old, database.open(fresh) as new:
        columns = [[c.name for c in db["evaluations"].columns] for db in (old, new)]
        assert columns[0] == columns[1]


OLD_PROMPT = {
    "sections": [{"name": "task", "text": "Name it: {labels}\n"}],
    "example": "{text}\n= {label}\n",
    "weight": 0.5,
    "prior": [0.25, -0.25],
    "share": 0.0,
    "threshold": 0.0,
    "even": 1.5,
}
NEW_PROMPT = Prompt(
    (Section("task", "Name it: {labels}\n"),), "{text}\n= {label}\n", weight=0.5,
    bias=(0.25, -0.25), intercept=1.5,
)  # fmt: skip


@pytest.fixture
def third(tmp_path: Path) -> Path:
    """A store of the third schema, whose prompts have fields by their old names."""
    path = tmp_path / "store.db"
    connection = sqlite3.connect(path, isolation_level=None)
    db = Database(connection, strict=True)
    migrations.migrations.apply(db, stop_before="m0004_terms")
    db.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 3")
    seed, old = "1" * 16, "2" * 16
    plain = {"sections": [], "example": "{text}: {label}\n"}
    twice = Prompt((), "{text}: {label}\n").id
    db.execute("INSERT INTO tasks VALUES ('t', 'notes', '{}', 'h', 'now')")
    for prompt, parent, body in (
        (twice, None, plain),
        (seed, None, {**plain, "weight": 0.0}),
        (old, seed, OLD_PROMPT),
    ):
        db.execute(
            "INSERT INTO prompts VALUES (?, 't', ?, '', '', '', ?, ?)",
            (prompt, parent, json.dumps(body), f"at {prompt}"),
        )
    db.execute("INSERT INTO rows VALUES ('t', 'r1', 0, 1, '{}')")
    db.execute("INSERT INTO prompt_rows VALUES ('t', ?, 'r1')", (old,))
    inputs = json.dumps({"start": OLD_PROMPT, "seed": 1})
    db.execute(
        "INSERT INTO runs VALUES ('r', 't', 'finished', ?, ?, ?, '', 0, 9, NULL, 'a', NULL, NULL)",
        (inputs, seed, old),
    )
    db.execute(
        "INSERT INTO evaluations (run_id, seq, prompt_id, stage, split, n, value, low, high, loss, "
        "spent) VALUES ('r', 0, ?, 'search', 'tuning', 9, 0.5, 0, 1, 1, 1)",
        (old,),
    )
    verdict = {**VERDICT, "metric": "accuracy", "test": "exact McNemar", "answers": []}
    for side, prompt in (("seed", seed), ("best", old)):
        verdict[side] = {"prompt": prompt, "value": 0.5, "interval": [0, 1], "n": 20}
    db.execute("INSERT INTO verdicts VALUES ('r', 't', ?, 'now')", (json.dumps(verdict),))
    db.execute("INSERT INTO looks VALUES ('t', 1, 'r', 'now')")
    audit.append_within(db, "look", {"task": "t", "run": "r"})
    asked = json.dumps({"task": "notes", "prompts": {old: OLD_PROMPT}})
    db.execute(
        "INSERT INTO commands (kind, body, status, created_at) VALUES ('eval', ?, 'pending', 'a')",
        (asked,),
    )
    db.execute(
        "INSERT INTO events (run_id, kind, body, at) VALUES ('r', 'best', ?, 'now')",
        (json.dumps({"prompt": old, "metric": "accuracy", "value": 0.5}),),
    )
    connection.close()
    return path


def test_prompts_are_read_by_their_new_words_and_every_mention_of_them_follows(third):
    with database.open(third) as db:
        assert check(db) == []
        run = runs.get(db, "r")
        assert run.best_prompt == NEW_PROMPT.id
        found = prompts.get(db, NEW_PROMPT.id)
        assert prompt_in(found) == NEW_PROMPT
        assert prompts.rows(db, "t", found.id) == ["r1"]
        inputs = msgspec.json.decode(run.inputs)
        assert msgspec.convert(inputs["start"], Prompt) == NEW_PROMPT and inputs["seed"] == 1
        assert [e.prompt_id for e in runs.evaluations(db, "r")] == [NEW_PROMPT.id]
        verdict = msgspec.json.decode(verdicts.get(db, "r").content, type=Verdict)
        assert verdict.best.prompt == NEW_PROMPT.id
        [told] = events.since(db, 0, "r")
        assert json.loads(told.content)["prompt"] == NEW_PROMPT.id
        [asked] = commands.waiting(db)
        [(name, prompt)] = json.loads(asked.content)["prompts"].items()
        assert name == NEW_PROMPT.id and msgspec.convert(prompt, Prompt) == NEW_PROMPT


def test_a_prompt_that_had_two_ids_has_one(third):
    plain = Prompt((), "{text}: {label}\n")
    with database.open(third) as db:
        assert runs.get(db, "r").seed_prompt == plain.id
        assert prompts.get(db, NEW_PROMPT.id).parent_id == plain.id
        assert prompts.get(db, "1" * 16) is None and prompts.get(db, plain.id) is not None
        verdict = msgspec.json.decode(verdicts.get(db, "r").content, type=Verdict)
        assert verdict.seed.prompt == plain.id
