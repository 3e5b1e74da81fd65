"""The runner is the one process of a store that owns the models. It takes commands, works on runs
and ends when idle.

``run.client`` starts it on demand. Killing it loses at most the request in flight: the next runner
resumes the runs that it was working on.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from appliance import locations
from appliance.errors import InputError, StropError
from appliance.evaluate.workbench import Interrupted, Withdrawn
from appliance.host.host import Host
from appliance.host.measure import measure
from appliance.run.evaluate import evaluate
from appliance.run.events import Note
from appliance.run.fit import fit_to_model
from appliance.run.job import create, work
from appliance.run.messages import (
    AT_ONCE,
    WITHDRAWN,
    Answer,
    Bench,
    Command,
    Evaluate,
    Failure,
    FitMap,
    Obeyed,
    Planned,
    Replay,
    Resume,
    Tune,
    decode_command,
    encode,
)
from appliance.run.recorder import tell
from appliance.run.replay import replay
from appliance.run.states import AT_WORK, JOURNALLED, RESTING, allows
from appliance.run.waiting import is_abandoned
from models.catalog import Catalog, CatalogError
from models.egress import refuse_network
from models.headers import HeaderError
from models.pool import Pool
from models.protocol import WorkerError
from store import commands, database, journal, memo, runs
from store.errors import SettledError, StoreError, in_words
from store.records import CommandRecord, RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.host.measure import Bench as Benched

IDLE_SECONDS = 30.0
MEMO_MEGABYTES = 1000.0
POLL_SECONDS = 0.2
LOCK_TRIES = 20
TRIES = 3
"""The number of runners that may die over a command before it is given up."""

EXPECTED = (StropError, StoreError, CatalogError, HeaderError, WorkerError)


class Unwanted(Exception):
    """Nobody waits any more for the answer to the command that is being carried out."""


class Runner:
    def __init__(self, db: Database, pool: Pool) -> None:
        self.db = db
        self.pool = pool
        self.host = Host(Catalog(locations.models_folder()), pool, self.note)
        self.run_id: str | None = None
        pool.made_room = self._tell_of_room
        database.be_patient(db, self._tell_of_wait)

    def serve(self) -> None:
        """Carries out commands, then works on runs, the oldest first. Returns after
        ``IDLE_SECONDS`` with neither.

        Commands come first, so that a run that ends the runner each time can still be stopped.
        """
        self.recover()
        memo.bound(self.db, MEMO_MEGABYTES)
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < IDLE_SECONDS:
            if command := commands.take(self.db):
                self.obey(command)
            elif run := runs.oldest(self.db, AT_WORK):
                self.work(run)
            else:
                time.sleep(POLL_SECONDS)
                continue
            idle_since = time.monotonic()

    def recover(self) -> None:
        """Takes up again the commands over which an earlier runner died, unless ``TRIES`` have."""
        message = f"the runner ended {TRIES} times while it worked on this"
        failure = Failure(f"{message}; see {locations.runner_log()}")
        commands.requeue_taken(self.db, TRIES, encode(failure))

    def obey(self, command: CommandRecord) -> None:
        """Carries a command out and settles it, with an answer or with the error. One that nobody
        wants any more is broken off."""

        def look() -> None:
            if not self._is_wanted(command):
                raise Unwanted

        before, failed = self.pool.between, True
        answer: Answer | Benched | Failure | None
        try:
            look()
            self.pool.between = _now_and_then(look)
            answer = self._answer(command, decode_command(command.kind, command.content))
            failed = False
        except Unwanted:
            answer = WITHDRAWN
        except Exception as error:
            answer = Failure(_told(error), getattr(error, "exit_code", 1))
        finally:
            self.pool.between = before
        if answer is not None:
            with suppress(SettledError):  # It was withdrawn, or its task was removed.
                commands.settle(self.db, command.id, encode(answer), failed)

    def work(self, run: RunRecord) -> None:
        """Replays the run's journal and goes on until it is finished, interrupted or failed."""
        self.run_id = run.id
        if run.started_at is None:
            runs.update(self.db, run.id, started_at=database.now())
        runs.set_status(self.db, run.id, "running")
        try:
            self.pool.between = _now_and_then(lambda: self._glance(run.id))
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
        tell(self.db, Note(text), self.run_id)

    def _tell_of_room(self, name: str, rested: Sequence[str]) -> None:
        self.note(
            f"memory does not hold {name} beside {' and '.join(rested)}, which will be loaded "
            "again when needed; this takes time"
        )

    def _tell_of_wait(self, seconds: float) -> None:
        self.note(
            f"another process kept the store locked; the work waited {seconds:.0f} s and goes on"
        )

    def _answer(self, command: CommandRecord, asked: Command[Any]) -> Answer | Benched | None:
        """The answer, or None where the command was settled in one write with what it changed."""
        match asked:
            case Tune():
                create(self.db, self.host, command.id, asked)
                return None
            case Bench():
                return measure(self.db, self.host, asked.model, asked.task, asked.within)
            case Evaluate():
                return evaluate(self.db, self.host, asked)
            case FitMap():
                return fit_to_model(self.db, self.host, asked)
            case Replay():
                return replay(self.db, self.host, asked.run)
            case Resume():
                return self._resume(self._run(command))
            case _:
                return self._control(self._run(command), command)

    def _poll(self, run_id: str) -> str | None:
        """Is called between two calls of a run. It obeys the commands that do not wait for the run
        and returns the first control of the run, which stays open until the journal has it."""
        for command in commands.waiting(self.db):
            if command.kind in JOURNALLED and command.run_id == run_id:
                return command.kind
            if command.kind in AT_ONCE:
                self.obey(command)
        return None

    def _glance(self, run_id: str) -> None:
        """Is called between two batches of a call of the run. It does what ``_poll`` does, and
        raises Withdrawn where the run is to pause or to stop."""
        if self._poll(run_id) in RESTING:
            raise Withdrawn

    def _is_wanted(self, command: CommandRecord) -> bool:
        """Whether the command was not withdrawn, and who waits for its answer is still there."""
        return not is_abandoned(command) and commands.is_open(self.db, command.id)

    def _control(self, run: RunRecord, command: CommandRecord) -> Obeyed | None:
        """Carries out a control of a run that is not worked on now."""
        if run.status == RESTING.get(command.kind):
            return Obeyed()
        if not allows(run.status, command.kind):
            raise InputError(f"run {run.id} is {run.status}: there is nothing to {command.kind}")
        status = RESTING.get(command.kind, "queued")
        journal.obey(self.db, run.id, command.id, command.kind, status)
        return None

    def _resume(self, run: RunRecord) -> Planned:
        if allows(run.status, "resume"):
            runs.set_status(self.db, run.id, "queued")
        return Planned(run.id)

    def _run(self, command: CommandRecord) -> RunRecord:
        run = runs.get(self.db, command.run_id or "")
        if run is None:
            raise InputError(f"there is no run {command.run_id!r}; see `strop runs list`")
        return run


def _now_and_then(look: Callable[[], None]) -> Callable[[], None]:
    """A function that does what ``look`` does, though only every ``POLL_SECONDS``."""
    last = time.monotonic()

    def seldom() -> None:
        nonlocal last
        if time.monotonic() - last < POLL_SECONDS:
            return
        look()
        last = time.monotonic()

    return seldom


def _told(error: Exception) -> str:
    """What a person is told of an error; what nobody expected goes to the log whole."""
    if isinstance(error, EXPECTED):
        return str(error)
    store = locations.store_path()
    if isinstance(error, sqlite3.Error) and (what := in_words(error, store)):
        return f"{store}: {what}"
    traceback.print_exception(error)
    return f"internal error: {type(error).__name__}: {error}; see {locations.runner_log()}"


def _locked(lock: IO[str]) -> bool:
    """Takes the lock, if it can. A window that looks for a runner holds it for a moment."""
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
