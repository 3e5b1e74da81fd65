"""What a person asks of a run happens whole or not at all, whichever run is worked on."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from itertools import permutations

import msgspec
import pytest
from in_process import InProcess

from appliance import locations
from appliance.data.tasks import sample, save
from appliance.errors import InputError, StropError
from appliance.evaluate.workbench import (
    Body,
    Interrupted,
    Prices,
    Workbench,
)
from appliance.host.agreement import Agreement
from appliance.host.plan import Plan
from appliance.run import client, job, runner
from appliance.run.events import StatusChanged
from appliance.run.journal import StoreJournal
from appliance.run.messages import WITHDRAWN, Evaluate, Evaluated, Obeyed, Planned, Tune, encode
from appliance.run.states import RESTING, allows, is_final
from models.engine import Score, Scores, Segment
from models.pool import Pool
from store import commands, database, events, journal, prompts, runs, tasks

BODIES = {"search": Body("m/q4", "q4 of m", Prices(1.0))}
PLAN = Plan(25, 16, 10.0, 1.0, "q4", 100.0, "q8", 50.0, Agreement(0.9, 8), "a plan")


class Killed(BaseException):
    """The runner's death, where nothing may catch it."""


class Constant:
    def handle(self, request: Score) -> Scores:
        return Scores(((-1.0,),), unique=1, decoded=1)


@pytest.fixture
def db(monkeypatch):
    monkeypatch.setattr(client, "wake_runner", lambda: None)
    monkeypatch.setattr(runner, "IDLE_SECONDS", 0.0)
    with database.open(locations.store_path()) as opened:
        tasks.add(opened, id="t", name="t", content="{}", split_hash="s", rows=[], cases=[])
        prompts.add(opened, id="p", task_id="t", content="{}")
        for run in ("a", "b"):
            runs.create(
                opened, id=run, task_id="t", inputs="{}", seed_prompt="p", budget=9, status="queued"
            )
        yield opened


@pytest.fixture
def serving(db):
    with Pool() as pool:
        yield runner.Runner(db, pool)


@pytest.fixture
def dying(monkeypatch):
    """Kills the runner at the end of a write that settles a command; a function that ends this."""

    def settle_and_die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(journal, "settle_within", settle_and_die)
        patch.setattr(runs, "settle_within", settle_and_die)
        yield patch.undo


def obey(serving, kind, run, status):
    """The runner meets one command for a run in this status; the command's answer."""
    runs.set_status(serving.db, run, status)
    command = commands.enqueue(serving.db, kind, "{}", run)
    serving.obey(commands.take(serving.db))
    return client.answer_to(serving.db, command)


def status(db, run):
    return runs.get(db, run).status


def kinds(db, run):
    return [entry.kind for entry in journal.entries(db, run)]


def score_until_told(serving, run, calls=3):
    bench = Workbench(
        InProcess(Constant()),
        BODIES,
        StoreJournal(serving.db, run, "t"),
        lambda: serving._poll(run),
    )
    for n in range(calls):
        bench.score("search", Score((Segment(-1, (1, n), 1),)))
    return bench


@pytest.mark.parametrize(("kind", "rest"), [("pause", "paused"), ("stop", "stopped")])
def test_a_run_that_is_worked_on_comes_to_rest_with_the_answer(db, serving, kind, rest):
    command = commands.enqueue(db, kind, "{}", "a")
    with pytest.raises(Interrupted):
        score_until_told(serving, "a")
    assert client.answer_to(db, command) == Obeyed()
    assert (status(db, "a"), kinds(db, "a")) == (rest, [kind])
    [told] = events.since(db, 0, "a")
    assert msgspec.json.decode(told.content) == {"status": rest}


@pytest.mark.parametrize("kind", ["pause", "stop", "finish"])
def test_a_kill_while_a_control_is_written_leaves_it_to_be_obeyed_again(db, serving, dying, kind):
    runs.set_status(db, "a", "running")
    command = commands.enqueue(db, kind, "{}", "a")
    with pytest.raises(Killed):
        score_until_told(serving, "a")
    assert client.answer_to(db, command) is None
    assert (status(db, "a"), kinds(db, "a")) == ("running", [])
    assert len(list(events.since(db, 0, "a"))) == 1
    dying()
    serving.obey(commands.take(db))
    assert client.answer_to(db, command) == Obeyed() and kinds(db, "a") == [kind]


class Slow(Constant):
    """Lets the runner look around in the middle of every answer."""

    def __init__(self, serving, run):
        self.glance = lambda: serving._glance(run)

    def handle(self, request: Score) -> Scores:
        self.glance()
        return super().handle(request)


def score_slowly(serving, run):
    """One call, in the middle of which the runner looks around."""
    models = InProcess(Slow(serving, run))
    bench = Workbench(models, BODIES, StoreJournal(serving.db, run, "t"), lambda: None)
    bench.poll = lambda: serving._poll(run) if models.calls else None
    bench.score("search", Score((Segment(-1, (1, 2), 1),)))


@pytest.mark.parametrize(("kind", "rest"), [("pause", "paused"), ("stop", "stopped")])
def test_a_run_comes_to_rest_in_the_middle_of_a_call(db, serving, kind, rest):
    command = commands.enqueue(db, kind, "{}", "a")
    with pytest.raises(Interrupted):
        score_slowly(serving, "a")
    assert client.answer_to(db, command) == Obeyed()
    assert (status(db, "a"), kinds(db, "a")) == (rest, [kind])


@pytest.mark.parametrize(("kind", "run"), [("finish", "a"), ("pause", "b")])
def test_a_call_is_not_broken_off_for_what_can_wait(db, serving, kind, run):
    commands.enqueue(db, kind, "{}", run)
    score_slowly(serving, "a")
    assert kinds(db, "a") == ["call"]


def test_who_waits_at_a_terminal_is_answered_in_the_middle_of_a_call(db, serving, monkeypatch):
    answer = Evaluated("sample", "accuracy", "tuning", 0.5, 9, ())
    monkeypatch.setattr(runner, "evaluate", lambda *_: answer)
    asked = Evaluate("sample", "tuning", "m", {})
    command = commands.enqueue(db, "eval", encode(asked))
    models = InProcess(Slow(serving, "a"))
    bench = Workbench(models, BODIES, StoreJournal(db, "a", "t"), lambda: None)
    bench.score("search", Score((Segment(-1, (1, 2), 1),)))
    assert client.answer_to(db, command) == answer


def test_a_pause_of_the_run_does_not_break_off_what_is_asked_between_two_of_its_calls(
    db, serving, monkeypatch
):
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.0)
    answer = Evaluated("sample", "accuracy", "tuning", 0.5, 9, ())

    def evaluate(*_):
        commands.enqueue(db, "pause", "{}", "a")
        serving.pool.between()
        return answer

    monkeypatch.setattr(runner, "evaluate", evaluate)
    serving.pool.between = lambda: serving._glance("a")
    command = commands.enqueue(db, "eval", encode(Evaluate("sample", "tuning", "m", {})))
    with pytest.raises(Interrupted):
        score_until_told(serving, "a")
    assert client.answer_to(db, command) == answer and status(db, "a") == "paused"


def test_a_pause_that_is_withdrawn_before_it_is_written_does_not_happen(db, serving):
    command = commands.enqueue(db, "pause", "{}", "a")
    heard = []

    def poll():
        if not heard:
            heard.append(serving._poll("a"))
            assert commands.withdraw(db, command, encode(WITHDRAWN))
            return heard[0]
        return serving._poll("a")

    bench = Workbench(InProcess(Constant()), BODIES, StoreJournal(db, "a", "t"), poll)
    bench.score("search", Score((Segment(-1, (1,), 1),)))
    assert (heard, kinds(db, "a"), status(db, "a")) == (["pause"], ["call"], "queued")


@pytest.mark.parametrize("burst", list(permutations(("pause", "stop", "finish"))))
def test_controls_in_quick_succession_come_to_what_the_table_says_of_each(db, serving, burst):
    runs.set_status(db, "a", "running")
    asked = [commands.enqueue(db, kind, "{}", "a") for kind in burst]
    with suppress(Interrupted):
        score_until_told(serving, "a")
    while command := commands.take(db):
        serving.obey(command)
    expected, refused = "running", []
    for kind in burst:
        if allows(expected, kind):
            rest = "queued" if is_final(expected) else expected
            expected = RESTING.get(kind, rest)
        else:
            refused.append(kind)
    assert status(db, "a") == expected
    told = [each.kind for c in asked if (each := commands.get(db, c)).status == "failed"]
    assert told == refused


def test_who_follows_a_run_is_not_left_with_a_pause_that_was_taken_back(db, serving, monkeypatch):
    monkeypatch.setattr(client, "runner_is_alive", lambda: True)
    monkeypatch.setattr(client, "POLL", 0.0)
    for kind in ("pause", "finish"):
        commands.enqueue(db, kind, "{}", "a")
    following = client.follow(db, "a")
    serving.obey(commands.take(db))
    assert next(following) == StatusChanged("paused")
    assert next(following) is None
    serving.obey(commands.take(db))
    assert next(following) == StatusChanged("queued")
    assert next(following) is None
    runs.set_status(db, "a", "finished")
    assert list(following) == [StatusChanged("finished")]


def test_a_command_whose_task_was_removed_meanwhile_does_not_end_the_runner(
    db, serving, monkeypatch
):
    def remove(*_):
        with database.write(db):
            db.execute("DELETE FROM commands")
        return Evaluated("sample", "accuracy", "tuning", 0.5, 9, ())

    monkeypatch.setattr(runner, "evaluate", remove)
    command = commands.enqueue(db, "eval", encode(Evaluate("sample", "tuning", "m", {})))
    serving.obey(commands.take(db))
    assert commands.get(db, command) is None


def test_finish_goes_on_after_it_is_written(db, serving):
    command = commands.enqueue(db, "finish", "{}", "a")
    assert score_until_told(serving, "a").finishing
    assert kinds(db, "a") == ["finish", "call", "call", "call"]
    assert client.answer_to(db, command) == Obeyed()


@pytest.fixture
def planned(db, serving, monkeypatch):
    """A tune command whose measurements are made up."""
    save(db, sample())

    model = type("Model", (), {"name": "m"})
    monkeypatch.setattr(job, "prepare", lambda host, name: model)
    monkeypatch.setattr(job, "measure_and_plan", lambda *_, **__: (BODIES, PLAN))
    return client.enqueue(db, Tune("sample", "m", 10.0, seed=2**32 - 1))


def test_a_kill_while_a_run_is_created_leaves_no_run_and_one_after_the_next_try(
    db, serving, dying, planned
):
    with pytest.raises(Killed):
        serving.obey(commands.take(db))
    assert len(runs.all(db)) == 2
    dying()
    serving.recover()
    serving.obey(commands.take(db))
    run = client.answer_to(db, planned).run
    assert [run, "b", "a"] == [found.id for found in runs.all(db)]
    assert [event.kind for event in events.since(db, 0, run)] == ["plan"]


def test_a_command_that_ends_every_runner_is_given_up(db, serving, dying, planned):
    for _ in range(runner.TRIES):
        assert client.answer_to(db, planned) is None
        with pytest.raises(Killed):
            serving.obey(commands.take(db))
        serving.recover()
    assert commands.take(db) is None
    with pytest.raises(StropError, match="ended 3 times while it worked on this; see "):
        client.answer_to(db, planned)


def test_an_error_of_the_disk_is_told_with_its_remedy_and_another_as_internal(
    db, serving, monkeypatch
):
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    for error, message in (
        (full, "strop.sqlite: the disk is full; free some space"),
        (KeyError("x"), "internal error: KeyError: 'x'; see .*runner.log"),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(runner, "create", fail)
        command = client.enqueue(db, Tune("sample", "m", 10.0, seed=1))
        serving.obey(commands.take(db))
        with pytest.raises(StropError, match=message):
            client.answer_to(db, command)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed is -1; .* from 0 to 4294967295"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"minutes": 0}, "minutes are 0; give a number from 0.1 to 43200"),
        ({"minutes": -1.5}, "minutes are -1.5; give"),
        ({"minutes": 0.0001}, "minutes are 0.0001; give"),
        ({"minutes": 1e9}, r"minutes are 1e\+09; give"),
        ({"minutes": float("inf")}, "minutes are infinite or no number; give"),
        ({"minutes": float("nan")}, "minutes are infinite or no number; give"),
        ({"candidates": 19}, "candidates are 19; give a whole number from 20 to 1000000"),
        ({"candidates": 10**7}, "candidates are 10000000; give"),
    ],
)
def test_amounts_that_mean_nothing_are_refused(db, serving, wrong, message):
    asked = msgspec.structs.replace(Tune("sample", "m", 10.0, seed=1), **wrong)
    command = client.enqueue(db, asked)
    serving.obey(commands.take(db))
    with pytest.raises(InputError, match=message):
        client.answer_to(db, command)


@pytest.mark.parametrize("rest", ["paused", "stopped", "failed", "queued"])
def test_resume_queues_a_run_again(db, serving, rest):
    assert obey(serving, "resume", "a", rest) == Planned("a")
    assert status(db, "a") == "queued"


def test_resume_of_a_run_that_finished_meanwhile_names_it_and_its_follower_ends(db, serving):
    assert obey(serving, "resume", "a", "finished") == Planned("a")
    assert status(db, "a") == "finished"
    last = list(events.since(db, 0))[-1].id
    assert list(client.follow(db, "a", last)) == []


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("pause", "queued", "paused"),
        ("pause", "paused", "paused"),
        ("stop", "queued", "stopped"),
        ("stop", "paused", "stopped"),
        ("stop", "stopped", "stopped"),
        ("finish", "queued", "queued"),
        ("finish", "paused", "queued"),
        ("finish", "stopped", "queued"),
    ],
)
def test_a_run_that_nobody_works_on_takes_a_control_at_once(db, serving, kind, before, after):
    assert obey(serving, kind, "a", before) == Obeyed()
    assert status(db, "a") == after
    assert kinds(db, "a") == ([] if before == after != "queued" else [kind])


@pytest.mark.parametrize(
    ("kind", "before"),
    [("pause", "stopped"), ("pause", "finished"), ("stop", "failed"), ("finish", "finished")],
)
def test_a_control_that_makes_no_sense_is_refused(db, serving, kind, before):
    with pytest.raises(InputError, match=f"run a is {before}: there is nothing to {kind}"):
        obey(serving, kind, "a", before)
    assert (status(db, "a"), kinds(db, "a")) == (before, [])


def test_finish_on_a_paused_run_ends_its_search_before_the_next_call(db, serving):
    score_until_told(serving, "a", calls=2)
    obey(serving, "finish", "a", "paused")
    assert score_until_told(serving, "a", calls=3).finishing
    assert kinds(db, "a") == ["call", "call", "finish", "call"]


@pytest.mark.parametrize(("kind", "rest"), [("pause", "paused"), ("stop", "stopped")])
def test_a_queued_run_is_controlled_while_another_is_worked_on(db, serving, kind, rest):
    runs.set_status(db, "a", "running")
    tune = commands.enqueue(db, "tune", "{}")
    other = commands.enqueue(db, kind, "{}", "b")
    score_until_told(serving, "a")
    assert client.answer_to(db, other) == Obeyed()
    assert (status(db, "a"), status(db, "b")) == ("running", rest)
    assert commands.get(db, tune).status == "pending"


def test_a_run_that_ends_the_runner_each_time_can_be_stopped(db, serving, monkeypatch):
    def die(run):
        raise Killed(run.id)

    monkeypatch.setattr(serving, "work", die)
    monkeypatch.setattr(runner, "IDLE_SECONDS", 5.0)
    runs.set_status(db, "a", "running")
    with pytest.raises(Killed, match="a"):
        serving.serve()
    stop = commands.enqueue(db, "stop", "{}", "a")
    with pytest.raises(Killed, match="b"):
        serving.serve()
    assert client.answer_to(db, stop) == Obeyed() and status(db, "a") == "stopped"


def test_models_that_take_turns_in_memory_are_told_of(db, serving):
    serving.pool.made_room("m/twin", ["m/BF16", "m/Q4_1"])
    [note] = [event for event in events.since(db, 0) if event.kind == "note"]
    text = msgspec.json.decode(note.content)["text"]
    assert text.startswith("memory does not hold m/twin beside m/BF16 and m/Q4_1")
