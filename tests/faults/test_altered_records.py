"""A record that was damaged or altered is named, by whoever needs it and by the doctor; the others
are listed and usable."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))

from scripted_answers import BEST, RUN, SEED, add_model, create_run, play, rows

from appliance import locations
from appliance.cli import strop
from appliance.data.tasks import earlier, load
from appliance.errors import DamagedError
from appliance.evaluate.workbench import Body, Entry, Prices, Workbench
from models.engine import Score, Scores, Segment, encode
from store import check, database, events, journal, runs, tasks

ROW = "(SELECT rows.id FROM rows JOIN tasks ON task_id = tasks.id WHERE name = 'firms' LIMIT 1)"
TEST = "id = (SELECT id FROM cases WHERE split = 'test' LIMIT 1)"


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert "internal error" not in result.output and "Traceback" not in result.output
    return result


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Path:
    """Two tasks, one of which has a run with a verdict, and a run that goes on."""
    add_model()
    for name in ("firms", "others"):
        file = tmp_path / f"{name}.jsonl"
        file.write_text(rows(("owns", "employs") if name == "firms" else ("sells", "buys")))
        assert invoke("task", "import", "jsonl", file).exit_code == 0
    with database.open(locations.store_path()) as db:
        create_run(db, "firms")
        play(db)
        task = load(db, "others")
        runs.create(
            db, id="5678", task_id=task.id, inputs=runs.get(db, RUN).inputs,
            seed_prompt=task.seed.id, budget=1.0, status="stopped",
        )  # fmt: skip
    assert doctor() == ""
    return locations.store_path()


def alter(store: Path, sql: str) -> None:
    with sqlite3.connect(store) as db:
        assert db.execute(sql).rowcount != 0
    db.close()


DAMAGES = {
    "DELETE FROM looks": f"run {RUN} is damaged in the store: its look at the test split is",
    "UPDATE verdicts SET content = '{}'": f"the verdict of run {RUN} is damaged in the store: ",
    f"UPDATE runs SET inputs = '{{}}' WHERE id = '{RUN}'": f"run {RUN} is damaged in the store: ",
    f"UPDATE runs SET status = 'odd' WHERE id = '{RUN}'": "it has the status 'odd'",
    f"UPDATE runs SET best_prompt = '{SEED.id}' WHERE id = '{RUN}'": (
        f"its verdict is on prompt {BEST.id}, its best is {SEED.id}"
    ),
}
"""What may happen to a run, and what is said of it."""


@pytest.mark.parametrize("sql", DAMAGES)
def test_a_damaged_run_is_named_and_the_others_are_listed(store: Path, sql: str) -> None:
    alter(store, sql)
    listed = invoke("runs", "list")
    assert (listed.exit_code, "5678" in listed.stdout, RUN in listed.stdout) == (0, True, False)
    assert DAMAGES[sql] in listed.stderr
    shown = invoke("runs", "show", RUN)
    assert (shown.exit_code, shown.stdout) == (1, "") and DAMAGES[sql] in shown.stderr
    assert "look with: strop doctor" in shown.stderr
    assert invoke("verdict", RUN).exit_code == 1
    assert RUN in doctor()


def doctor() -> str:
    """What the doctor finds wrong with the store and its records."""
    checks = json.loads(invoke("doctor", "--json").stdout)["checks"]
    wrong = [c for c in checks if c["name"] in ("store", "records") and c["state"] == "fail"]
    return " ".join(c["detail"] for c in wrong)


def test_a_damaged_task_is_named_and_the_others_are_listed(store: Path) -> None:
    alter(store, "UPDATE tasks SET content = '{}' WHERE name = 'firms'")
    listed = invoke("task", "list")
    assert listed.exit_code == 0 and "others" in listed.stdout
    assert "left out: task firms is damaged in the store: " in listed.stderr
    assert "task firms is damaged" in invoke("task", "show", "firms").stderr
    assert RUN in invoke("runs", "list").stdout and invoke("runs", "show", RUN).exit_code == 0
    assert "task firms is damaged" in doctor()
    assert invoke("task", "remove", "firms", "--yes").exit_code == 0
    assert doctor() == ""


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (f"UPDATE rows SET content = json_set(content, '$.label', 'no') WHERE id = {ROW}", "row "),
        (f"UPDATE rows SET content = json_set(content, '$.text', 'x') WHERE id = {ROW}", "row "),
        (f"UPDATE rows SET content = '[]' WHERE id = {ROW}", "row "),
        (f"UPDATE rows SET may_ship = 1 WHERE id = {ROW}", "row "),
        (f"DELETE FROM rows WHERE id = {ROW}", "case "),
        (f"UPDATE cases SET content = '{{}}' WHERE {TEST}", "case "),
        (f"UPDATE cases SET split = 'tuning', position = 99 WHERE {TEST}", "task "),
        (f"DELETE FROM cases WHERE {TEST}", "task "),
    ],
)
def test_a_row_or_a_case_that_was_altered_is_named_and_not_used(
    store: Path, sql: str, problem: str
) -> None:
    alter(store, sql)
    said = f"{problem}.* is damaged in the store: .*strop doctor"
    with database.open(store) as db:
        for use in (lambda task: load(db, task.id), lambda task: list(earlier(db, task).rows)):
            with pytest.raises(DamagedError, match=said):
                for task in tasks.all(db):
                    use(task)
    assert problem in doctor()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE cases SET split = 'tuning', position = position + 999 WHERE split = 'test'",
        "DELETE FROM rows WHERE id = " + ROW,
    ],
)
def test_no_rows_are_added_to_a_task_that_was_altered(
    store: Path, tmp_path: Path, sql: str
) -> None:
    alter(store, sql)
    file = tmp_path / "more.jsonl"
    file.write_text(json.dumps({"text": "A met B.", "head": "A", "tail": "B", "label": "owns"}))
    refused = invoke("task", "import", "jsonl", file, "--add-to", "firms")
    assert refused.exit_code == 1 and "is damaged in the store: " in refused.stderr
    with database.open(store) as db:
        assert [task.name for task in tasks.all(db)] == ["firms", "others"]


def test_what_no_case_uses_is_compared_with_its_hash_by_the_doctor(store: Path) -> None:
    group = "UPDATE rows SET content = json_set(content, '$.group', 'g') WHERE id = " + ROW
    alter(store, group)
    assert "task firms is damaged in the store: it is not what was imported" in doctor()


def test_an_altered_prompt_is_never_shown_beside_figures_that_it_did_not_earn(store: Path) -> None:
    other = BEST.with_section("task", "Z: {labels}")
    content = msgspec.json.encode(other).decode()
    alter(store, f"UPDATE prompts SET content = '{content}' WHERE id = '{BEST.id}'")
    what = f"prompt {BEST.id} is damaged in the store: its content is that of prompt "
    shown = invoke("runs", "show", RUN)
    assert shown.exit_code == 0 and "0.500 [0.377, 0.623] (n 60)" in shown.stdout
    assert what in shown.stderr and "Z: " not in shown.output
    assert json.loads(invoke("runs", "show", RUN, "--json").stdout)["prompt_text"] is None
    for command in (("prompt", "show", BEST.id), ("prompt", "diff", SEED.id, BEST.id)):
        refused = invoke(*command)
        assert (refused.exit_code, refused.stdout) == (1, "") and what in refused.stderr
    verdict = invoke("verdict", RUN)
    assert (verdict.exit_code, verdict.stdout) == (1, "") and what in verdict.stderr
    assert what in doctor()


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("ALTER TABLE looks DROP COLUMN at", "the table looks is not as it was made"),
        ("DROP TABLE experience", "the table experience is missing"),
        ("DROP INDEX events_run", "the table events is not as it was made"),
        ("CREATE TRIGGER t AFTER INSERT ON looks BEGIN SELECT 1; END", "the trigger t"),
        ("UPDATE looks SET number = 7", f"run {RUN}: its look at task"),
        ("DELETE FROM audit WHERE action = 'look'", f"run {RUN}: the audit log lacks its look"),
    ],
)
def test_the_doctor_compares_tables_and_looks_with_what_they_should_be(
    store: Path, sql: str, problem: str
) -> None:
    alter(store, sql)
    assert problem in doctor()


def test_a_garbled_reply_is_not_taken_for_one(store: Path) -> None:
    with database.open(store) as db:
        values = {"kind": "call", "key": "k", "request": b"", "cost": 0.0, "spent": 0.0}
        journal.record(db, "5678", 0, reply=b"garbled", **values)
    assert "entry 0 of its journal is no reply" in doctor()


class Journal:
    """It has these entries, and remembers this reply to every call."""

    def __init__(self, entries: list[Entry], memo: bytes) -> None:
        self.past, self.memo, self.kept = entries, memo, []

    def entries(self) -> Any:
        return iter(self.past)

    def append(self, entry: Entry, spent: float) -> None:
        self.kept.append(entry)

    def recall(self, key: str) -> bytes:
        return self.memo


def test_a_run_with_a_garbled_reply_says_so_and_a_garbled_memory_is_asked_again() -> None:
    class Models:
        def call(self, name: str, request: object) -> Scores:
            return Scores(((-1.0,),), unique=1, decoded=1)

    bodies = {"search": Body("m/q4", "q4", Prices(1.0))}
    request = Score((Segment(-1, (1, 2), 1),))
    live = Journal([], b"garbled")
    assert Workbench(Models(), bodies, live, lambda: None).score("search", request).unique == 1
    [entry] = live.kept
    assert entry.reply == encode(Scores(((-1.0,),), unique=1, decoded=1))
    past = Journal([Entry("call", entry.key, b"", b"garbled")], b"")
    with pytest.raises(DamagedError, match="a reply in this run's journal is damaged"):
        Workbench(Models(), bodies, past, lambda: None).score("search", request)


def test_an_event_that_cannot_be_read_hides_no_other(store: Path) -> None:
    alter(store, "UPDATE events SET content = '[]' WHERE kind = 'candidate'")
    watched = invoke("runs", "watch", RUN)
    assert watched.exit_code == 0
    with database.open(store) as db:
        assert check.check(db) == [] and events.last(db) > 0
