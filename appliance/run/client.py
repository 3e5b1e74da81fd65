"""What a window does: it writes commands, wakes the runner and reads what happened."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from appliance import locations
from appliance.errors import InputError, RetryableError, StropError
from appliance.run.events import Event
from appliance.run.messages import (
    WITHDRAWN,
    Answer,
    Command,
    Failure,
    decode_answer,
    encode,
    kind_of,
)
from appliance.run.read import events_since
from appliance.run.states import is_final
from appliance.run.waiting import waiting
from store import commands, runs

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.host.measure import Bench as Benched

A = TypeVar("A")

POLL = 0.2
NO_ROOM = 1_000_000
"""A disk with fewer bytes free is full: nothing can be written that says so."""

_started: subprocess.Popen[bytes] | None = None
"""The runner that this process started last, if any."""


def runner_is_alive() -> bool:
    """Whether a process holds the runner's lock."""
    with locations.runner_lock().open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wake_runner() -> None:
    """Starts a runner unless one is alive. It has a session of its own, so that closing this window
    does not stop it.

    Raises StropError where the runner that this process started before has failed.
    """
    global _started
    if runner_is_alive():
        return
    if _started is not None and (code := _started.poll()) != 0:
        if code is None:
            return
        _started = None
        raise StropError(f"the runner has ended with an error; see {locations.runner_log()}")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(locations.runner_log(), flags, 0o600), "ab") as log:
        _started = subprocess.Popen(
            [sys.executable, "-P", "-m", "appliance.run.runner"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


class Left(KeyboardInterrupt):
    """The person interrupted what they asked. ``answer`` is None where it was withdrawn, else what
    had come of it by then."""

    def __init__(self, answer: Answer | Benched | None) -> None:
        super().__init__()
        self.answer = answer


def enqueue(db: Database, command: Command[Any], run_id: str | None = None) -> int:
    """Writes a command and wakes the runner; returns the command's id. Raises StropError where the
    runner has failed, and then the command has too."""
    written = _write(db, command, run_id)
    _wake_runner_for(db, written)
    return written


def _write(
    db: Database, command: Command[Any], run_id: str | None, asker: int | None = None
) -> int:
    return commands.enqueue(db, kind_of(command), encode(command), run_id, asker)


def _wake_runner_for(db: Database, written: int) -> None:
    try:
        wake_runner()
    except StropError as error:
        commands.settle(db, written, encode(Failure(str(error), error.exit_code)), failed=True)
        raise


def ask(
    db: Database,
    command: Command[A],
    run_id: str | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> A:
    """Enqueues a command and waits for its answer, calling ``meanwhile`` after each look for it.

    Raises the StropError that the command failed with. An interrupt withdraws the command, or comes
    too late for that; either way Left is raised.
    """
    with waiting() if command.awaited else nullcontext() as asker:
        asked = _write(db, command, run_id, asker)
        try:
            _wake_runner_for(db, asked)
            while True:
                try:
                    answer = answer_to(db, asked)
                finally:
                    meanwhile()
                if answer is not None:
                    return cast("A", answer)
                time.sleep(POLL)
        except KeyboardInterrupt:
            withdrawn = commands.withdraw(db, asked, encode(WITHDRAWN))
            raise Left(None if withdrawn else answer_to(db, asked)) from None


def answer_to(db: Database, command: int) -> Answer | Benched | None:
    """The answer to a settled command, None while it is open. Raises the error of a failed one."""
    record = commands.get(db, command)
    if record is None:
        raise InputError("the task of this command was removed meanwhile")
    if record.status in ("pending", "taken"):
        if not runner_is_alive():
            wake_runner()
        return None
    if record.status == "failed":
        failure = msgspec.json.decode(record.answer or "{}", type=Failure)
        kinds = {2: InputError, 3: RetryableError}
        raise kinds.get(failure.exit_code, StropError)(failure.error)
    return decode_answer(record.kind, record.answer or "{}")


def _ended(run_id: str) -> str:
    """What to do where the runner has ended. Where the disk is full it could not say why."""
    home = locations.home()
    if shutil.disk_usage(home).free < NO_ROOM:
        return (
            f"the runner has ended, since the disk of {home} is full; free some space, then go on "
            f"with: strop tune --resume {run_id}"
        )
    return f"the runner has ended; go on with: strop tune --resume {run_id}"


def follow(db: Database, run_id: str, after: int = 0) -> Iterator[Event | None]:
    """Events of a run as they happen, until it is in a final status that no open command can
    change; None while waiting.

    Raises RetryableError if the runner dies with the run unfinished.
    """
    while True:
        alive = runner_is_alive()
        # The order matters. A command is settled together with the status that it leads to, and no
        # event that led to a status comes after it.
        steered = alive and any(c.run_id == run_id for c in commands.unsettled(db))
        run = runs.get(db, run_id)
        resting = run is not None and is_final(run.status) and not steered
        new = list(events_since(db, after, run_id))
        for told in new:
            after = told.id
            yield told.event
        if not new:
            if resting:
                return
            if not alive:
                raise RetryableError(_ended(run_id))
            yield None
            time.sleep(POLL)
