"""What a window or a script reads of the store."""

from __future__ import annotations

import json

import pytest

from appliance import locations
from appliance.run import read
from appliance.run.events import Best, Note, Stage, StatusChanged
from appliance.run.messages import Inputs, encode
from appliance.run.recorder import tell
from store import database, prompts, runs, sql, tasks, verdicts
from store.records import RunRecord

BEST = Best("p", "accuracy", 0.5, (0.4, 0.6), 1.5, 60)
SIDE = {"prompt": "p", "value": 0.5, "interval": [0.4, 0.6], "n": 9}
VERDICT = {
    "seed": SIDE, "best": SIDE, "metric": "accuracy", "n": 9, "gain": 0.0, "interval": [0, 0],
    "p": 1.0, "test": "exact McNemar", "wins": 0, "losses": 0, "better": False,
    "words": "no proven gain", "model": "m", "body": "Q4_0",
}  # fmt: skip


@pytest.fixture
def db(home):
    with database.open(locations.store_path()) as opened:
        tasks.add(opened, id="t", name="notes", content="{}", split_hash="h", rows=[], cases=[])
        prompts.add(opened, id="p", task_id="t", content="{}")
        add_run(opened, "a")
        yield opened


def add_run(db, id, status="running"):
    inputs = Inputs("t", "h", "m", "m", 10.0, 1, 600.0, 200.0, {}, {}, "0")
    runs.create(
        db, id=id, task_id="t", inputs=encode(inputs), seed_prompt="p", budget=600.0,
        status=status, stage="search",
    )  # fmt: skip


@pytest.fixture
def records(monkeypatch):
    """The kinds of the rows that are read, one by one."""
    kinds = []
    real = sql.to_record

    def noting(kind, row):
        kinds.append(kind)
        return real(kind, row)

    monkeypatch.setattr(sql, "to_record", noting)
    return kinds


def test_a_run_is_read_with_its_task_its_inputs_and_what_is_spent_of_both_budgets(db):
    with database.write(db):
        db.execute("UPDATE runs SET spent = 200")
    [run], _ = read.all_runs(db)
    assert (run.id, run.task, run.inputs.model, run.verdict) == ("a", "notes", "m", None)
    assert (run.total, run.share) == (800.0, 0.25)


def test_more_than_was_planned_is_a_share_of_one(db):
    with database.write(db):
        db.execute("UPDATE runs SET spent = 900")
    assert read.all_runs(db)[0][0].share == 1.0


def test_a_verdict_is_read_with_its_look(db):
    for run in ("a", "b"):
        if run == "b":
            add_run(db, run)
        runs.update(db, run, best_prompt="p")
        verdicts.record(db, run_id=run, task_id="t", content=json.dumps(VERDICT))
        runs.set_status(db, run, "finished")
    assert [(run.id, run.verdict.look) for run in read.all_runs(db)[0]] == [("b", 2), ("a", 1)]


def test_what_is_frozen_is_not_read_again_but_the_status_is(db, records):
    before, _ = read.all_runs(db)
    runs.set_status(db, "a", "paused")
    add_run(db, "b")
    records.clear()
    after, _ = read.all_runs(db, before)
    assert [run.record.status for run in after] == ["running", "paused"]
    assert len([kind for kind in records if kind is not RunRecord]) == 1
    assert after[1].inputs is before[0].inputs


def test_events_are_read_in_order_from_the_last_one_known_of_one_run_or_of_all(db):
    tell(db, Note("before any run"), None)
    known = read.last_event(db)
    tell(db, Stage("refine"), "a")
    runs.set_status(db, "a", "failed", "why")
    tell(db, Note("of no run"), None)
    told = [(each.run_id, each.event) for each in read.events_since(db, known)]
    assert told[0] == ("a", Stage("refine"))
    assert told[1:] == [("a", StatusChanged("failed", "why")), (None, Note("of no run"))]
    assert [each.event for each in read.events_since(db, known, "a")] == [e for _, e in told[:2]]


def test_the_latest_events_of_each_kind_come_in_the_order_they_happened(db):
    for event in (Note("one"), BEST, Note("two"), BEST, Stage("refine"), Note("three")):
        tell(db, event, "a")
    until = read.last_event(db)
    tell(db, Note("later"), "a")
    found = read.latest_events(db, "a", until, {"note": 2, "best": -1})
    assert found == [BEST, Note("two"), BEST, Note("three")]
