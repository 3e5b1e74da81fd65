"""Whatever is cut off, wherever it is cut off: all of a write is there, or nothing of it."""

import contextlib
import itertools
import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from store import audit, commands, database, events, journal, prompts, runs, tasks, verdicts
from store.backup import backup
from store.check import check
from store.errors import StoreError, explained
from store.forget import forget
from store.records import CaseRecord, RowRecord

fork = multiprocessing.get_context("fork")


def add_task(db, id="t1", size=3, width=5):
    body = '"' + "x" * width + '"'
    tasks.add(
        db,
        id=id,
        name=id,
        content="{}",
        split_hash="s",
        rows=(RowRecord(f"r{i}", True, body) for i in range(size)),
        cases=(CaseRecord(f"c{i}", "tuning", body) for i in range(size)),
    )


def call(db, seq):
    journal.record(
        db,
        "run-1",
        seq,
        kind="call",
        key=f"k{seq}",
        request=b"q" * 500,
        reply=b"a" * 500,
        cost=0.5,
        spent=0.5 * (seq + 1),
        memo_tasks=["t1"],
    )


OPERATIONS = {
    "add a task": lambda db: add_task(db, "t2"),
    "add a prompt": lambda db: prompts.add(
        db, id="p1", task_id="t1", content="1", rows=["r0", "r1"]
    ),
    "record a call": lambda db: call(db, 2),
    "look at the test split": lambda db: verdicts.look(db, run_id="run-1", task_id="t1"),
    "record a verdict": lambda db: verdicts.record(db, run_id="run-1", task_id="t1", content="{}"),
    "take a command": commands.take,
    "forget a task": lambda db: forget(db, "t1"),
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A closed store with a task, a prompt, a run of two calls and a command."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    with database.open(path) as db:
        add_task(db)
        prompts.add(db, id="p0", task_id="t1", content="1", rows=["r2"])
        runs.create(
            db, id="run-1", task_id="t1", inputs="{}", seed_prompt="p0", budget=9, status="x"
        )
        call(db, 0)
        call(db, 1)
        commands.enqueue(db, "tune", "{}", "run-1")
    return path


@pytest.fixture
def fresh(template, tmp_path):
    """A function: the path of a new copy of the template."""
    numbers = itertools.count()

    def copy() -> Path:
        return Path(shutil.copy(template, tmp_path / f"{next(numbers)}.db"))

    return copy


def content(path):
    """Every row of every table, without times and what is computed from them."""
    with database.open(path) as db:
        assert check(db) == []
        timeless = {
            table: [c.name for c in db[table].columns if c.name not in ("at", "hash", "previous")]
            for table in db.table_names()
            if not table.startswith("_")
        }
        return {
            table: db.execute(
                f"SELECT {', '.join(c for c in columns if not c.endswith('_at'))} FROM {table}"
            ).fetchall()
            for table, columns in timeless.items()
        }


class Injected(Exception):
    pass


class FailingConnection:
    """Raises before or after its ``at``-th statement, counting every row of an executemany."""

    def __init__(self, real, at, before):
        self.real, self.left, self.before = real, at, before

    def __getattr__(self, name):
        return getattr(self.real, name)

    def step(self):
        self.left -= 1
        if self.left == 0:
            raise Injected

    def execute(self, sql, *values):
        if sql == "ROLLBACK":
            return self.real.execute(sql)
        if self.before:
            self.step()
        cursor = self.real.execute(sql, *values)
        if not self.before:
            self.step()
        return cursor

    def executemany(self, sql, rows):
        def failing():
            for row in rows:
                self.step()
                yield row

        return self.real.executemany(sql, failing())


@each_operation
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_fault_at_any_statement_leaves_all_or_nothing(operation, before, fresh):
    path = fresh()
    nothing = content(path)
    with database.open(path) as db:
        operation(db)
    everything = content(path)
    assert everything != nothing

    path, faults = fresh(), 0
    for at in itertools.count(1):
        with database.open(path) as db:
            db.conn = FailingConnection(db.conn, at, before)
            try:
                operation(db)
            except Injected:
                faults += 1
            else:
                break
        left = content(path)
        assert left in (nothing, everything)
        if left == everything:
            path = fresh()
    assert faults >= 3


@each_operation
def test_an_interrupt_inside_any_statement_leaves_all_or_nothing(operation, fresh):
    path = fresh()
    nothing = content(path)
    with database.open(path) as db:
        operation(db)
    everything = content(path)

    path, faults = fresh(), 0
    for instructions in itertools.count(1, 97):
        with database.open(path) as db:
            fired = iter([1])
            db.conn.set_progress_handler(lambda fired=fired: next(fired, 0), instructions)
            try:
                operation(db)
            except sqlite3.OperationalError:
                faults += 1
        left = content(path)
        assert left in (nothing, everything)
        if left == everything:
            path = fresh()
        if next(fired, 0):
            break
    assert faults


def killed_at(statement, action, path):
    """Runs ``action`` on the store in a process that kills itself at its n-th statement.

    True where it was killed, False where it came to its end before.
    """
    left = itertools.count(statement - 1, -1)

    def trace(_):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    child = fork.Process(target=action, args=(path, trace))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


@each_operation
def test_a_kill_at_any_statement_leaves_all_or_nothing(operation, fresh):
    def action(path, trace):
        with database.open(path) as db:
            db.conn.set_trace_callback(trace)
            operation(db)
            db.conn.set_trace_callback(None)

    path = fresh()
    nothing = content(path)
    assert not killed_at(10_000, action, path)
    everything = content(path)

    path, kills = fresh(), 0
    for statement in itertools.count(1, 2):
        if not killed_at(statement, action, path):
            break
        kills += 1
        left = content(path)
        assert left in (nothing, everything)
        if left == everything:
            path = fresh()
    assert kills >= 3


def test_a_kill_while_the_store_is_made_leaves_a_file_that_opens(tmp_path, monkeypatch):
    connect = sqlite3.connect

    def action(path, trace):
        def traced(*args, **options):
            connection = connect(*args, **options)
            connection.set_trace_callback(trace)
            return connection

        monkeypatch.setattr(sqlite3, "connect", traced)
        database.open(path).close()

    for statement in itertools.count(1, 7):
        path = tmp_path / f"{statement}.db"
        killed = killed_at(statement, action, path)
        with database.open(path) as db:
            events.append(db, "hello", "{}")
            assert check(db) == []
        if not killed:
            break
    assert statement > 40


@pytest.mark.parametrize("lines", [1, 4, 9])
def test_a_writer_killed_from_outside_loses_only_what_was_not_committed(fresh, lines):
    def write_calls(path, told):
        with database.open(path) as db:
            for seq in itertools.count(2):
                call(db, seq)
                told.send(seq)

    path = fresh()
    hear, tell = fork.Pipe(duplex=False)
    child = fork.Process(target=write_calls, args=(path, tell))
    child.start()
    for _ in range(lines):
        last = hear.recv()
    child.kill()
    child.join()
    with database.open(path) as db:
        assert check(db) == []
        assert len(list(journal.entries(db, "run-1"))) > last


def test_a_log_cut_off_anywhere_gives_back_whole_writes_only(fresh, tmp_path):
    path = fresh()
    with database.open(path) as db:
        for seq in range(2, 8):
            call(db, seq)
        wal = Path(f"{path}-wal").read_bytes()
        main = path.read_bytes()
    found = set()
    for number, length in enumerate([*range(0, len(wal), 6007), len(wal)]):
        cut = tmp_path / f"cut{number}.db"
        cut.write_bytes(main)
        Path(f"{cut}-wal").write_bytes(wal[:length])
        with database.open(cut) as db:
            assert check(db) == []
            found.add(len(list(journal.entries(db, "run-1"))))
    assert found == set(range(2, 9))


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    def write_rows(path, name, start):
        start.wait()
        with database.open(path) as db:
            for number in range(50):
                with database.write(db):
                    audit.append_within(db, "look", {name: str(number)})
                    values = {"kind": name, "content": str(number), "at": "t"}
                    db.execute(
                        "INSERT INTO events (kind, content, at) VALUES (:kind,:content,:at)", values
                    )

    path = tmp_path / "store.db"
    start = fork.Barrier(2)  # both make the store at the same moment, too
    children = [fork.Process(target=write_rows, args=(path, name, start)) for name in "ab"]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    with database.open(path) as db:
        written = [(event.kind, int(event.content)) for event in events.since(db, 0)]
        assert sorted(written) == [(name, number) for name in "ab" for number in range(50)]
        assert check(db) == []


def test_a_store_is_made_once_when_many_open_it_at_the_same_moment(tmp_path):
    def make(path, start):
        start.wait()
        with database.open(path) as db:
            events.append(db, "hello", "{}")

    for number in range(4):
        path = tmp_path / str(number) / "store.db"
        start = fork.Barrier(5)
        children = [fork.Process(target=make, args=(path, start)) for _ in range(5)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0] * 5
        with database.open(path) as db:
            assert len(list(events.since(db, 0))) == 5


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(fresh):
    path = fresh()
    nothing = content(path)
    with database.open(path) as db:
        limit = database.pragma(db, "page_count") + 3
        db.execute(f"PRAGMA max_page_count = {limit}").fetchall()
        with pytest.raises(StoreError, match=r"0\.db: the disk is full; free some space"):
            add_task(db, "t2", 40, 2000)
    assert content(path) == nothing
    with database.open(path) as db:
        add_task(db, "t2", 40, 2000)
        assert tasks.counts(db, "t2").rows == 40


@contextlib.contextmanager
def file_size_limit(size):
    """No file may grow beyond ``size`` bytes: the operating system refuses the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_beyond_the_limit_of_the_shell_is_a_clear_error_and_leaves_nothing(fresh):
    path = fresh()
    nothing = content(path)
    with database.open(path) as db, file_size_limit(200_000):
        with pytest.raises(StoreError, match=r"0\.db: the file may not grow .*\(ulimit -f\)"):
            add_task(db, "t2", 100, 20_000)
        assert tasks.get(db, "t2") is None
        call(db, 2)
    with database.open(path) as db:
        assert check(db) == []
        assert len(list(journal.entries(db, "run-1"))) == 3
    assert content(path)["tasks"] == nothing["tasks"]


def test_an_error_of_the_disk_far_below_the_limit_of_the_shell_is_called_one(fresh):
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    path = fresh()
    told = pytest.raises(StoreError, match="the disk reported an error")
    with file_size_limit(10**9), told, explained(path):
        raise failed


def test_a_backup_beyond_the_limit_of_the_shell_leaves_no_file(fresh, tmp_path):
    target = tmp_path / "copy.db"
    with database.open(fresh()) as db:
        with file_size_limit(20_000), pytest.raises(StoreError, match=r"copy\.db: the file may"):
            backup(db, target)
        assert list(tmp_path.glob("copy.db*")) == []
        backup(db, target)
        assert target.exists()
