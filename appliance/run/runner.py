"""The one process a store has that owns the models: takes commands, works on runs, ends when idle.

Started on demand by ``run.client``. Killing it loses at most the request in flight: the runs
that it was working on are resumed by the next one.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
import traceback
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any

import msgspec

from appliance import locations
from appliance.errors import InputError, StropError
from appliance.evaluate.workbench import Interrupted, Withdrawn
from appliance.host.host import Host
from appliance.host.measure import measure
from appliance.run.evaluate import evaluate
from appliance.run.job import create, work
from appliance.run.recorder import RESTING
from appliance.run.replay import replay
from models.catalog import Catalog, CatalogError
from models.egress import refuse_network
from models.headers import HeaderError
from models.pool import Pool, WorkerError
from store import commands, database, events, journal, memo, runs
from store.errors import StoreError, in_words
from store.records import CommandRecord, RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

IDLE_SECONDS = 30.0
MEMO_MEGABYTES = 1000.0
POLL_SECONDS = 0.2
LOCK_TRIES = 20
TRIES = 3
"""Runners that may die over one command before it is given up."""

OPEN = ("queued", "running")
CONTROLS = {"pause": OPEN, "stop": (*OPEN, "paused"), "finish": (*OPEN, "paused", "stopped")}
"""What a person may ask of a run, and the statuses in which it makes sense."""

AT_ONCE = (*CONTROLS, "resume", "eval", "replay")
"""Commands that need not wait until the run that is worked on has ended."""

EXPECTED = (StropError, StoreError, CatalogError, HeaderError, WorkerError)


class Runner:
    def __init__(self, db: Database, pool: Pool) -> None:
        self.db = db
        self.pool = pool
        self.host = Host(Catalog(locations.models_folder()), pool, self.note)
        self.run_id: str | None = None
        pool.made_room = self._tell_of_room

    def serve(self) -> None:
        """Commands first, then runs, oldest first; returns after ``IDLE_SECONDS`` of neither.

        In this order a run that ends the runner each time can still be stopped.
        """
        self.recover()
        memo.bound(self.db, MEMO_MEGABYTES)
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < IDLE_SECONDS:
            if command := commands.take(self.db):
                self.obey(command)
            elif run := runs.oldest(self.db, OPEN):
                self.work(run)
            else:
                time.sleep(POLL_SECONDS)
                continue
            idle_since = time.monotonic()

    def recover(self) -> None:
        """Takes up again what a runner before this one died over, unless several did."""
        message = f"the runner ended {TRIES} times while it worked on this"
        answer = {"error": f"{message}; see {locations.runner_log()}", "exit_code": 1}
        commands.requeue_taken(self.db, TRIES, msgspec.json.encode(answer).decode())

    def obey(self, command: CommandRecord) -> None:
        """Carries a command out and settles it, with an answer or with the error."""
        body = msgspec.json.decode(command.body)
        try:
            answer = self._answer(command, body)
        except Exception as error:
            code = getattr(error, "exit_code", 1)
            self._settle(command, {"error": _told(error), "exit_code": code}, failed=True)
        else:
            if answer is not None:
                self._settle(command, answer)

    def work(self, run: RunRecord) -> None:
        """Replays the run's journal and goes on until it is finished, interrupted or failed."""
        self.run_id = run.id
        if run.started_at is None:
            runs.update(self.db, run.id, started_at=database.now())
        runs.set_status(self.db, run.id, "running")
        try:
            self.pool.between = self._glances(run.id)
            work(self.db, self.host, run, lambda: self._poll(run.id))
            runs.set_status(self.db, run.id, "finished")
        except Interrupted:
            pass  # the status came with the journal's entry
        except Exception as error:
            runs.set_status(self.db, run.id, "failed", _told(error))
        finally:
            self.pool.between = None
            self.run_id = None

    def note(self, text: str) -> None:
        events.append(self.db, "note", msgspec.json.encode({"text": text}).decode(), self.run_id)

    def _tell_of_room(self, name: str, rested: Sequence[str]) -> None:
        self.note(
            f"memory does not hold {name} beside {' and '.join(rested)}, which will be loaded "
            "again when needed; this takes time"
        )

    def _answer(self, command: CommandRecord, body: dict[str, Any]) -> dict[str, Any] | None:
        """None where the command was settled in one write with what it changed."""
        match command.kind:
            case "tune":
                create(self.db, self.host, command, body)
                return None
            case "bench":
                return measure(self.db, self.host, body)
            case "eval":
                return evaluate(self.db, self.host, body)
            case "replay":
                return replay(self.db, self.host, body["run"])
            case "resume":
                return self._resume(self._run(command))
            case kind if kind in CONTROLS:
                return self._control(self._run(command), command)
            case kind:
                raise InputError(f"unknown command {kind!r}")

    def _poll(self, run_id: str) -> str | None:
        """Between two calls of a run: obeys what is not for this run and cannot wait; returns the
        first control that is. That one stays open until the journal has it."""
        for command in commands.waiting(self.db):
            if command.kind in CONTROLS and command.run_id == run_id:
                return command.kind
            if command.kind in AT_ONCE:
                self.obey(command)
        return None

    def _glances(self, run_id: str) -> Callable[[], None]:
        """Between two batches of a call of the run: as between two calls, but not at each batch.
        Raises Withdrawn where the run is to rest."""
        last = time.monotonic()

        def glance() -> None:
            nonlocal last
            if time.monotonic() - last < POLL_SECONDS:
                return
            if self._poll(run_id) in RESTING:
                raise Withdrawn
            last = time.monotonic()

        return glance

    def _control(self, run: RunRecord, command: CommandRecord) -> dict[str, Any] | None:
        """A control of a run that is not worked on now."""
        status = RESTING.get(command.kind, "queued")
        if run.status == status != "queued":
            return {}
        if run.status not in CONTROLS[command.kind]:
            raise InputError(f"run {run.id} is {run.status}: there is nothing to {command.kind}")
        journal.obey(self.db, run.id, command.id, command.kind, status)
        return None

    def _resume(self, run: RunRecord) -> dict[str, Any]:
        if run.status not in (*OPEN, "finished"):
            runs.set_status(self.db, run.id, "queued")
        return {"run": run.id}

    def _run(self, command: CommandRecord) -> RunRecord:
        run = runs.get(self.db, command.run_id or "")
        if run is None:
            raise InputError(f"there is no run {command.run_id!r}; see `strop runs list`")
        return run

    def _settle(
        self, command: CommandRecord, answer: dict[str, Any], *, failed: bool = False
    ) -> None:
        commands.settle(self.db, command.id, msgspec.json.encode(answer).decode(), failed)


def _told(error: Exception) -> str:
    """What a person is told of an error; what nobody expected goes to the log whole."""
    if isinstance(error, EXPECTED):
        return str(error)
    if isinstance(error, sqlite3.Error) and (what := in_words(error)):
        return f"{locations.store_path()}: {what}"
    traceback.print_exception(error)
    return f"internal error: {type(error).__name__}: {error}; see {locations.runner_log()}"


def _locked(lock: IO[str]) -> bool:
    """Takes the lock; for a moment it may be held by a window that asks whether anyone holds it."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def main() -> None:
    refuse_network()
    with locations.runner_lock().open("a") as lock:
        if not _locked(lock):
            return
        db = database.open(locations.store_path())
        with Pool() as pool:
            Runner(db, pool).serve()


if __name__ == "__main__":
    main()
