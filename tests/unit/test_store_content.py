import json
import sqlite3
import tracemalloc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import (
    audit,
    commands,
    database,
    events,
    experience,
    journal,
    memo,
    migrations,
    prompts,
    runs,
    tasks,
    verdicts,
)
from store.check import check
from store.errors import NameTakenError, StoreError
from store.forget import forget, was_forgotten
from store.records import (
    CaseRecord,
    Counts,
    EvaluationRecord,
    ExperienceRecord,
    RowRecord,
    SkippedRecord,
)
from store.sql import select


@pytest.fixture
def db(tmp_path):
    with database.open(tmp_path / "store.db") as opened:
        yield opened
        assert check(opened) == []


@pytest.fixture(scope="module")
def one_db(tmp_path_factory):
    """For Hypothesis, whose examples share a fixture."""
    with database.open(tmp_path_factory.mktemp("store") / "store.db") as opened:
        yield opened


def add_task(db, id="t1", name="notes", size=3, content="{}"):
    return tasks.add(
        db,
        id=id,
        name=name,
        content=content,
        split_hash="s",
        rows=(RowRecord(f"r{i}", i % 2 == 0, json.dumps([id, i])) for i in range(size)),
        cases=(
            CaseRecord(f"c{i}", split, json.dumps([id, i]))
            for i, split in enumerate(["tuning"] * size + ["selection"] * 2 + ["test"])
        ),
    )


def add_run(db, id="run-1", task_id="t1"):
    add_task(db, task_id, task_id)
    prompts.add(db, id="p0", task_id=task_id, content='"seed"')
    runs.create(
        db, id=id, task_id=task_id, inputs="{}", seed_prompt="p0", budget=9, status="queued"
    )


def call(db, seq, key="k", reply=b"reply", cost=1.5, run_id="run-1", tasks=("t1",)):
    spent = sum(entry.cost for entry in journal.entries(db, run_id)) + cost
    journal.record(
        db,
        run_id,
        seq,
        kind="call",
        key=key,
        request=b"request",
        reply=reply,
        cost=cost,
        spent=spent,
        memo_tasks=tasks,
    )


def test_a_task_comes_back_as_it_was_added(db):
    assert add_task(db, content='{"kind": "relation"}')
    task = tasks.get(db, "notes")
    assert (task.id, task.content, task.split_hash) == ("t1", '{"kind": "relation"}', "s")
    assert tasks.get(db, "t1") == task
    assert tasks.get(db, "none") is None
    assert list(tasks.rows(db, "t1"))[1] == RowRecord("r1", False, '["t1", 1]')
    assert [case.id for case in tasks.cases(db, "t1", "selection")] == ["c3", "c4"]
    assert tasks.counts(db, "t1") == Counts(
        rows=3, may_ship=2, tuning=3, selection=2, test=1, skipped=0
    )


def test_skipped_rows_come_back_in_the_order_of_the_file(db):
    wrong = [SkippedRecord(f"line {n}", f"\x1b is empty {n}") for n in range(450)]
    kept = {"name": "n", "content": "{}", "split_hash": "s", "rows": [], "cases": []}
    assert tasks.add(db, id="t1", **kept, skipped=iter(wrong))
    assert list(tasks.skipped(db, "t1")) == wrong
    assert tasks.counts(db, "t1").skipped == 450
    assert list(tasks.skipped(db, "t2")) == []


def test_rows_keep_their_order_over_many_pages(db):
    add_task(db, size=1001)
    assert [row.id for row in tasks.rows(db, "t1")] == [f"r{i}" for i in range(1001)]
    wanted = {"r900", "r7", "r500", "unknown"}
    assert [row.id for row in tasks.rows(db, "t1", wanted)] == ["r7", "r500", "r900"]
    assert list(tasks.rows(db, "t1", [])) == []


def test_adding_a_task_again_changes_nothing(db):
    assert add_task(db, size=3)
    assert not add_task(db, size=5)
    assert tasks.counts(db, "t1").rows == 3


def test_a_large_task_streams_in_and_out(db):
    tracemalloc.start()
    body = "9" * 2000
    many = (RowRecord(f"r{i}", True, body) for i in range(10_000))
    tasks.add(db, id="t1", name="n", content="{}", split_hash="s", rows=many, cases=())
    assert sum(len(row.content) for row in tasks.rows(db, "t1")) == 20_000_000
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_a_name_that_is_taken_is_refused_with_both_ids(db):
    add_task(db, "t1", "notes")
    with pytest.raises(StoreError, match=r"'notes'.*t1.*t2.*choose another name"):
        add_task(db, "t2", "notes")
    assert [task.id for task in tasks.all(db)] == ["t1"]


def test_a_task_whose_rows_break_off_is_not_added(db):
    def breaking():
        yield from (RowRecord(f"r{i}", True, "1") for i in range(500))
        raise ValueError("row 501")

    with pytest.raises(ValueError, match="row 501"):
        tasks.add(db, id="t", name="n", content="{}", split_hash="", rows=breaking(), cases=())
    assert tasks.all(db) == []
    assert tasks.counts(db, "t").rows == 0


def test_a_task_is_named_before_it_is_numbered(db):
    add_task(db, "x", "y")
    add_task(db, "y", "z")
    assert tasks.get(db, "y").id == "x"


def test_a_body_that_is_not_json_is_refused(db):
    with pytest.raises(sqlite3.IntegrityError, match="json_valid"):
        events.append(db, "kind", "not json")


def test_a_prompt_keeps_its_first_origin(db):
    add_task(db)
    assert prompts.add(db, id="p0", task_id="t1", content='"a"', rows=["r2", "r0", "r2"])
    assert not prompts.add(db, id="p0", task_id="t1", content='"a"', operator="copy", rows=["r1"])
    assert prompts.get(db, "p0").operator == ""
    assert prompts.rows(db, "t1", "p0") == ["r0", "r2"]


def test_a_prompt_derives_from_rows_of_its_own_task_only(db):
    add_task(db)
    with pytest.raises(sqlite3.IntegrityError):
        prompts.add(db, id="p0", task_id="t1", content='"a"', rows=["r0", "foreign"])
    assert prompts.get(db, "p0") is None


def test_a_lineage_goes_from_the_seed_to_the_prompt(db):
    add_task(db)
    for parent, id in [(None, "a"), ("a", "b"), ("a", "side"), ("b", "c")]:
        prompts.add(db, id=id, task_id="t1", content="1", parent_id=parent, operator="rewrite")
    assert [prompt.id for prompt in prompts.lineage(db, "t1", "c")] == ["a", "b", "c"]
    assert prompts.lineage(db, "t1", "unknown") == []


def test_an_id_is_found_by_its_beginning_unless_several_begin_so(db):
    add_task(db)
    for id in ("abc1", "abd2", "ab"):
        prompts.add(db, id=id, task_id="t1", content="1")
    assert prompts.get(db, "abc").id == "abc1"
    assert prompts.get(db, "ab").id == "ab"
    with pytest.raises(StoreError, match=r"'a' is the beginning of several prompts.*type more"):
        prompts.get(db, "a")
    for nothing in ("", "x", "%", "ab_"):
        assert prompts.get(db, nothing) is None


def test_a_prompt_that_two_tasks_share_is_not_ambiguous(db):
    for task in ("t1", "t2"):
        add_task(db, task, task)
        prompts.add(db, id="same", task_id=task, content="1")
    assert prompts.get(db, "sa").task_id == "t1"


def test_a_run_changes_only_where_it_may(db):
    add_run(db)
    runs.update(db, "run-1", best_prompt="p0", stage="search")
    run = runs.get(db, "run")
    assert (run.status, run.best_prompt, run.stage, run.budget) == ("queued", "p0", "search", 9.0)
    for frozen in ("inputs", "spent", "status", "id = ''; --"):
        with pytest.raises(StoreError, match="cannot be set"):
            runs.update(db, "run-1", stage="x", **{frozen: "x"})
    with pytest.raises(StoreError, match="there is no run nine"):
        runs.update(db, "nine", stage="x")
    assert runs.get(db, "run-1") == run


def test_runs_are_listed_newest_first(db):
    add_run(db, "run-1")
    add_run(db, "run-2")
    assert [run.id for run in runs.all(db)] == ["run-2", "run-1"]


def test_the_oldest_run_is_found_by_its_status(db):
    for run in ("run-1", "run-2", "run-3"):
        add_run(db, run)
    assert runs.oldest(db, ["queued", "running"]).id == "run-1"
    runs.set_status(db, "run-1", "finished")
    runs.set_status(db, "run-3", "running")
    assert runs.oldest(db, ["queued", "running"]).id == "run-2"
    assert runs.oldest(db, ["running"]).id == "run-3"
    assert runs.oldest(db, ["paused"]) is None


def test_a_status_is_told_with_the_error_that_led_to_it(db):
    add_run(db)
    runs.set_status(db, "run-1", "failed", "the worker died")
    assert (runs.get(db, "run-1").status, runs.get(db, "run-1").error) == (
        "failed",
        "the worker died",
    )
    [told] = events.since(db, 0, "run-1")
    assert json.loads(told.content) == {"status": "failed", "error": "the worker died"}
    runs.set_status(db, "run-1", "queued")
    assert runs.get(db, "run-1").error is None


def test_a_run_is_created_with_its_plan_and_the_answer_or_not_at_all(db):
    add_run(db)
    command = commands.enqueue(db, "tune", "{}")
    new = {"task_id": "t1", "inputs": "{}", "seed_prompt": "p0", "budget": 9, "status": "queued"}
    runs.create(db, id="run-2", **new, plan='{"minutes":1}', command=command)
    assert json.loads(commands.get(db, command).answer) == {"run": "run-2"}
    assert [event.kind for event in events.since(db, 0, "run-2")] == ["plan"]
    with pytest.raises(StoreError, match="not open"):
        runs.create(db, id="run-3", **new, plan="{}", command=command)
    assert runs.get(db, "run-3") is None


def test_a_control_is_written_with_its_status_and_its_answer_or_not_at_all(db):
    add_run(db)
    call(db, 0)
    command = commands.enqueue(db, "pause", "{}", "run-1")
    journal.obey(db, "run-1", command, "pause", "paused")
    assert [(e.seq, e.kind) for e in journal.entries(db, "run-1")] == [(0, "call"), (1, "pause")]
    assert runs.get(db, "run-1").status == "paused"
    assert commands.get(db, command).answer == "{}"
    with pytest.raises(StoreError, match="not open"):
        journal.obey(db, "run-1", command, "stop", "stopped")
    assert len(list(journal.entries(db, "run-1"))) == 2
    assert runs.get(db, "run-1").status == "paused"


def test_an_evaluation_said_twice_stands_once(db):
    add_run(db)
    evaluation = EvaluationRecord(
        "run-1", 0, "p0", "search", "tuning", 20, 0.5, 0.3, 0.7, 1.25, 3.0
    )
    for _ in range(2):
        runs.add_evaluation(db, evaluation)
    assert runs.evaluations(db, "run-1") == [evaluation]


def test_a_journal_entry_brings_its_cost_and_its_memo(db):
    add_run(db)
    call(db, 0, "k0", b"zero\x00")
    call(db, 1, "k1", b"one")
    assert [(e.seq, e.key, e.reply) for e in journal.entries(db, "run-1")] == [
        (0, "k0", b"zero\x00"),
        (1, "k1", b"one"),
    ]
    assert runs.get(db, "run-1").spent == 3.0
    assert memo.get(db, "k0") == b"zero\x00"
    assert memo.get(db, "k2") is None


def test_a_user_command_in_the_journal_leaves_no_memo(db):
    add_run(db)
    call(db, 0, "pause", b"", cost=0, tasks=())
    assert memo.get(db, "pause") is None


@pytest.mark.parametrize("seq", [-1, 0, 2])
def test_a_journal_has_neither_holes_nor_doubles(db, seq):
    add_run(db)
    call(db, 0)
    with pytest.raises(StoreError, match=f"goes on with 1, not {seq}"):
        call(db, seq, "other")
    assert len(list(journal.entries(db, "run-1"))) == 1
    assert runs.get(db, "run-1").spent == 1.5
    assert memo.get(db, "other") is None


def test_the_memo_evicts_the_least_recently_used_first(db):
    add_run(db)
    for seq, key in enumerate(["a", "b", "c", "a"]):
        call(db, seq, key, bytes(400_000))
    assert memo.bound(db, 1.2) == 0
    assert memo.bound(db, 0.9) == 1
    assert [memo.get(db, key) is not None for key in "abc"] == [True, False, True]
    assert db.execute("SELECT key FROM memo_tasks ORDER BY key").fetchall() == [("a",), ("c",)]
    assert len(list(journal.entries(db, "run-1"))) == 4


def test_events_are_followed_from_where_one_left_off(db):
    add_run(db)
    events.append(db, "started", "1", "run-1")
    events.append(db, "idle", "2")
    events.append(db, "stage", "3", "run-1")
    everything = list(events.since(db, 0))
    assert [event.kind for event in everything] == ["started", "idle", "stage"]
    assert [e.content for e in events.since(db, everything[0].id, "run-1")] == ["3"]
    assert list(events.since(db, everything[-1].id)) == []


def test_commands_are_taken_in_order_and_settled_once(db):
    first = commands.enqueue(db, "tune", '{"seed": 1}')
    second = commands.enqueue(db, "stop", "{}")
    assert commands.take(db).id == first
    taken = commands.take(db)
    assert (taken.id, taken.status) == (second, "taken")
    assert commands.take(db) is None
    commands.settle(db, first, '"run-1"')
    commands.settle(db, second, None, failed=True)
    assert (commands.get(db, first).status, commands.get(db, first).answer) == ("done", '"run-1"')
    assert commands.get(db, second).status == "failed"
    with pytest.raises(StoreError, match="not open"):
        commands.settle(db, first, "2")
    assert commands.get(db, 99) is None


def test_what_a_dead_runner_took_is_pending_again(db):
    done, taken = (commands.enqueue(db, kind, "{}") for kind in ("score", "tune"))
    for _ in range(2):
        commands.take(db)
    commands.settle(db, done, "{}")
    commands.requeue_taken(db, 2, '"gave up"')
    assert [command.id for command in commands.pending(db, None)] == [taken]
    assert commands.take(db).id == taken
    commands.requeue_taken(db, 2, '"gave up"')
    assert commands.take(db) is None
    assert (commands.get(db, taken).status, commands.get(db, taken).answer) == (
        "failed",
        '"gave up"',
    )
    assert commands.get(db, done).answer == "{}"


def test_a_run_sees_its_own_pending_commands(db):
    add_run(db)
    pause = commands.enqueue(db, "pause", "{}", "run-1")
    commands.enqueue(db, "score", "{}")
    assert [command.id for command in commands.pending(db, "run-1")] == [pause]
    assert [command.kind for command in commands.waiting(db)] == ["pause", "score"]


def test_experience_is_kept_once(db):
    add_run(db)
    learnt = [
        ExperienceRecord("t1", "run-1", seq, "relation", "m", "rewrite", "task", 0.1, 2.0, "leads")
        for seq in range(2)
    ]
    for record in [*learnt, learnt[0]]:
        experience.add(db, record)
    assert select(db, ExperienceRecord, "experience", "ORDER BY id") == learnt


def test_every_look_at_the_test_split_is_numbered_and_audited(db):
    add_run(db, "run-1")
    add_run(db, "run-2")
    assert verdicts.look(db, run_id="run-1", task_id="t1") == 1
    assert verdicts.get(db, "run-1") is None
    assert verdicts.record(db, run_id="run-1", task_id="t1", content='{"p": 0.01}') == 1
    assert verdicts.record(db, run_id="run-2", task_id="t1", content='{"p": 0.2}') == 2
    assert verdicts.record(db, run_id="run-1", task_id="t1", content='{"p": 0.9}') == 1
    assert verdicts.get(db, "run-1").content == '{"p": 0.01}'
    assert verdicts.get(db, "run-3") is None
    assert [look.run_id for look in verdicts.looks(db, "t1")] == ["run-1", "run-2"]
    subjects = db.execute("SELECT action, subject FROM audit").fetchall()
    assert subjects == [
        ("look", '{"look":"1","run":"run-1","task":"t1"}'),
        ("look", '{"look":"2","run":"run-2","task":"t1"}'),
    ]


def split_of(db, id, splits):
    """A task whose cases are in these splits, with a run."""
    cases = [CaseRecord(case, split, "1") for case, split in splits.items()]
    tasks.add(db, id=id, name=id, content="{}", split_hash="s", rows=[], cases=cases)
    add_run(db, f"run-{id}", id)


def test_looks_at_test_splits_that_share_a_case_are_counted_together(db):
    split_of(db, "mail", {"a": "tuning", "b": "test", "c": "test"})
    split_of(db, "post", {"a": "tuning", "c": "test", "d": "test"})
    split_of(db, "redrawn", {"a": "test", "b": "tuning", "c": "tuning"})
    split_of(db, "letters", {"d": "test"})
    runs.create(
        db, id="more", task_id="mail", inputs="{}", seed_prompt="p0", budget=9, status="queued"
    )
    looked = [
        verdicts.look(db, run_id=f"run-{task}", task_id=task)
        for task in ("mail", "post", "redrawn", "letters")
    ]
    # Letters shares a case with post, whose look was the second.
    assert looked == [1, 2, 1, 3]
    assert verdicts.look(db, run_id="more", task_id="mail") == 3
    assert [look.number for look in verdicts.looks(db, "mail")] == [1, 3]
    assert verdicts.record(db, run_id="run-post", task_id="post", content="{}") == 2


def test_a_task_that_was_removed_and_imported_again_was_looked_at(db):
    split_of(db, "mail", {"a": "test"})
    assert verdicts.look(db, run_id="run-mail", task_id="mail") == 1
    forget(db, "mail")
    split_of(db, "mail", {"a": "test"})
    assert verdicts.look(db, run_id="run-mail", task_id="mail") == 2


def test_looks_of_a_removed_task_count_for_those_that_share_its_test_cases(db):
    split_of(db, "mail", {"a": "test"})
    split_of(db, "post", {"a": "test", "b": "test"})
    split_of(db, "other", {"c": "test"})
    assert verdicts.look(db, run_id="run-mail", task_id="mail") == 1
    forget(db, "mail")
    assert verdicts.look(db, run_id="run-post", task_id="post") == 2
    assert verdicts.look(db, run_id="run-other", task_id="other") == 1
    split_of(db, "mail", {"a": "test"})
    assert verdicts.look(db, run_id="run-mail", task_id="mail") == 3


def test_a_task_whose_name_is_taken_over_is_kept_and_its_commands_follow_it(db):
    split_of(db, "mail", {"a": "test"})
    asked, other = (
        commands.enqueue(db, "eval", f'{{"task":"{task}"}}') for task in ("mail", "post")
    )
    more = {"content": "{}", "split_hash": "t", "rows": [], "cases": []}
    assert tasks.add(db, id="more", name="mail", in_place_of="mail", **more)
    assert [(task.id, task.name) for task in tasks.all(db)] == [
        ("mail", "mail@mail"),
        ("more", "mail"),
    ]
    assert commands.get(db, asked).content == '{"task":"mail@mail"}'
    forget(db, "more")
    assert commands.get(db, asked) is not None
    forget(db, "mail")
    assert commands.get(db, asked) is None
    assert commands.get(db, other).content == '{"task":"post"}'
    with pytest.raises(StoreError, match="task mail was removed meanwhile; nothing was added"):
        tasks.add(db, id="more", name="mail", in_place_of="mail", **more)
    assert tasks.all(db) == []


def test_a_name_that_the_task_before_would_be_kept_by_is_not_taken_from_another(db):
    split_of(db, "mail", {"a": "test"})
    split_of(db, "mail@mail", {"b": "test"})
    with pytest.raises(NameTakenError, match=r"the name 'mail@mail', which 'mail' would be kept"):
        tasks.add(
            db, id="more", name="mail", content="{}", split_hash="t", rows=[], cases=[],
            in_place_of="mail",
        )  # fmt: skip
    assert [task.name for task in tasks.all(db)] == ["mail", "mail@mail"]


def test_a_forgotten_task_is_known_to_have_been_there(db):
    split_of(db, "mail", {"a": "test"})
    assert not was_forgotten(db, "mail")
    forget(db, "mail")
    assert was_forgotten(db, "mail") and not was_forgotten(db, "post")
    split_of(db, "mail", {"a": "test"})
    assert not was_forgotten(db, "mail")


def audited(db, count=3):
    for number in range(count):
        with database.write(db):
            audit.append_within(db, "look", {"task": f"t{number}"})


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        ('UPDATE audit SET subject = \'{"task":"t9"}\' WHERE seq = 2', 2),
        ("UPDATE audit SET at = '2020' WHERE seq = 1", 1),
        ("UPDATE audit SET action = 'forget' WHERE seq = 3", 3),
        ("UPDATE audit SET previous = hash WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit", 1),
    ],
)
def test_tampering_with_the_audit_log_is_found(tmp_path, tamper, broken):
    with database.open(tmp_path / "store.db") as db:
        audited(db)
        assert audit.verify(db) is None
        db.execute(tamper)
        assert audit.verify(db) == broken
        assert check(db) == [f"audit: entry {broken} is missing or was changed"]


def test_the_audit_log_takes_no_content(db):
    with pytest.raises(StoreError, match="ids and hashes only"), database.write(db):
        audit.append_within(db, "look", {"task": "Acme owns Bolt"})


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DELETE FROM journal WHERE seq = 1", "run run-1: the journal lacks entry 1"),
        ("UPDATE runs SET spent = 7", "run run-1: spent is 7.0, the journal's costs add to 4.5"),
        ("UPDATE rows SET task_id = 'gone' WHERE id = 'r1'", "rows: row 2 belongs to nothing in"),
    ],
)
def test_check_finds_broken_promises(tmp_path, damage, problem):
    with database.open(tmp_path / "store.db") as db:
        add_run(db)
        for seq in range(3):
            call(db, seq)
        assert check(db) == []
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(damage)
        assert check(db)[0].startswith(problem)


def test_check_finds_a_damaged_file(tmp_path):
    path = tmp_path / "store.db"
    with database.open(path) as db:
        add_task(db, size=2000)
    data = bytearray(path.read_bytes())
    data[-20 * 4096 :] = bytes(20 * 4096)
    path.write_bytes(data)
    with database.open(path) as db:
        assert "the file" in check(db)[0]


SECRET = "Quixotic Holdings owns Zephyr Maritime"


def fill_with_secret(db, task_id):
    """Content in every table that may hold some."""
    secret = json.dumps(SECRET)
    row, case = RowRecord("r", True, secret), CaseRecord("c", "test", secret)
    skipped = [SkippedRecord("line 1", SECRET)]
    whole = {"rows": [row], "cases": [case], "skipped": skipped}
    tasks.add(db, id=task_id, name=SECRET, content=secret, split_hash="s", **whole)
    prompts.add(db, id="p0", task_id=task_id, content=secret, diff=SECRET, rows=["r"])
    parent = "p0"
    for number in range(1, 1200):  # deeper than SQLite's limit on cascades of cascades
        prompts.add(db, id=f"p{number}", task_id=task_id, content="1", parent_id=parent)
        parent = f"p{number}"
    run_id = f"run-{task_id}"
    runs.create(
        db, id=run_id, task_id=task_id, inputs=secret, seed_prompt="p0", budget=9, status="x"
    )
    runs.update(db, run_id, best_prompt=parent)
    runs.set_status(db, run_id, "failed", SECRET)
    call(db, 0, f"key-{task_id}", SECRET.encode() * 300, run_id=run_id, tasks=[task_id])
    runs.add_evaluation(
        db, EvaluationRecord(run_id, 0, "p0", "s", "test", 1, 0.0, 0.0, 0.8, 0.0, 0.0)
    )
    experience.add(
        db, ExperienceRecord(task_id, run_id, 0, "k", "m", "o", SECRET, 0.0, 0.0, "accepted")
    )
    verdicts.record(db, run_id=run_id, task_id=task_id, content=secret)
    events.append(db, "note", secret, run_id)
    events.append(db, "note", secret, task_id=task_id)
    for named in (task_id, SECRET):
        asked = commands.enqueue(db, "eval", json.dumps({"task": named, "prompts": SECRET}))
        commands.settle(db, asked, secret)
    commands.enqueue(db, "stop", secret, run_id)


def bytes_on_disk(path):
    return b"".join(file.read_bytes() for file in path.parent.glob("store.db*"))


def test_a_forgotten_task_leaves_no_byte(db, tmp_path):
    add_run(db, "run-1", "kept")
    call(db, 0, "shared", b"shared reply", tasks=["kept"])
    db.execute("PRAGMA secure_delete = OFF").fetchall()
    db.execute("PRAGMA synchronous = OFF")  # for the speed of a thousand prompts
    fill_with_secret(db, "gone")
    call(db, 1, "shared", b"shared reply", run_id="run-gone", tasks=["gone"])
    assert SECRET.encode() in bytes_on_disk(tmp_path / "store.db")
    assert forget(db, "gone")
    assert SECRET.encode() not in bytes_on_disk(tmp_path / "store.db")
    assert SECRET[:12].encode() not in bytes_on_disk(tmp_path / "store.db")
    left = {table: db[table].count for table in db.table_names() if db[table].count}
    assert left == {
        "_sqlite_migrations": migrations.SCHEMA,
        "tasks": 1,
        "rows": 3,
        "cases": 6,
        "prompts": 1,
        "runs": 1,
        "journal": 1,
        "memo": 1,
        "memo_tasks": 1,
        "audit": 2,
        "sqlite_sequence": 3,
    }
    assert memo.get(db, "shared") == b"shared reply"
    assert runs.get(db, "run-1").task_id == "kept"
    last = db.execute("SELECT action, subject FROM audit ORDER BY seq DESC").fetchone()
    assert last == ("forget", '{"task":"gone"}')


def test_what_was_deleted_before_is_gone_from_the_disk_too(db, tmp_path):
    db.execute("PRAGMA secure_delete = OFF").fetchall()
    add_run(db)
    call(db, 0, "key", SECRET.encode() * 300, tasks=["t1"])
    with database.write(db):
        db.execute("DELETE FROM journal")
        db.execute("UPDATE runs SET spent = 0")
    memo.bound(db, 0)
    assert SECRET.encode() in bytes_on_disk(tmp_path / "store.db")
    forget(db, "t1")
    assert SECRET.encode() not in bytes_on_disk(tmp_path / "store.db")


def test_forgetting_a_task_that_is_not_there_changes_nothing(db):
    add_task(db)
    assert not forget(db, "t9")
    assert tasks.counts(db, "t1").rows == 3
    assert db["audit"].count == 0


def test_forgetting_says_so_when_a_reader_keeps_the_bytes(db, tmp_path):
    add_task(db, content=json.dumps(SECRET))
    db.execute("PRAGMA busy_timeout = 1").fetchall()
    with database.open(tmp_path / "store.db") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tasks").fetchall()
        with pytest.raises(StoreError, match="close the other windows, then: strop task remove t1"):
            forget(db, "t1")
        reader.execute("COMMIT")
    assert tasks.all(db) == []
    assert not forget(db, "t1")
    assert SECRET.encode() not in bytes_on_disk(tmp_path / "store.db")


texts = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=60, deadline=None)
@given(texts, st.binary(max_size=50), st.floats(allow_nan=False, allow_infinity=False))
def test_bodies_come_back_to_the_byte(one_db, text, blob, number):
    body = msgspec.json.encode([text, number]).decode()
    id = f"t{one_db['tasks'].count}"
    tasks.add(
        one_db,
        id=id,
        name=id + text,
        content=body,
        split_hash=text,
        rows=[RowRecord("r" + text, True, body)],
        cases=[],
    )
    assert next(tasks.rows(one_db, id)) == RowRecord("r" + text, True, body)
    task = tasks.get(one_db, id + text)
    assert (task.id, task.content, task.split_hash) == (id, body, text)
    prompts.add(one_db, id="p", task_id=id, content=body, diff=text)
    assert prompts.lineage(one_db, id, "p")[0].diff == text
    runs.create(one_db, id=id, task_id=id, inputs=body, seed_prompt="p", budget=1, status=text)
    call(one_db, 0, "k" + id, blob, abs(number), id, [id])
    entry = next(journal.entries(one_db, id))
    assert (entry.reply, entry.cost) == (blob, abs(number))
    assert memo.get(one_db, "k" + id) == blob
