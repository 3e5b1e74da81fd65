"""What a window does: writes commands, wakes the runner, reads what happened."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from appliance import locations
from appliance.errors import InputError, RetryableError, StropError
from store import commands, events, runs
from store.records import EventRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

POLL = 0.2
FINAL = ("finished", "refused", "failed", "paused", "stopped")
"""Statuses of a run that nobody is working on."""


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
    """Starts a runner of its own session unless one is alive; closing this window stops nothing.

    Raises StropError where the one that this process started before came to nothing.
    """
    global _started
    if runner_is_alive():
        return
    if _started is not None and (code := _started.poll()) != 0:
        if code is None:
            return
        _started = None
        raise StropError(f"the runner could not start; see {locations.runner_log()}")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(locations.runner_log(), flags, 0o600), "ab") as log:
        _started = subprocess.Popen(
            [sys.executable, "-P", "-m", "appliance.run.runner"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def enqueue(db: Database, kind: str, body: dict[str, Any], run_id: str | None = None) -> int:
    """Writes a command and wakes the runner; returns the command's id."""
    command = commands.enqueue(db, kind, msgspec.json.encode(body).decode(), run_id)
    wake_runner()
    return command


def ask(db: Database, kind: str, body: dict[str, Any], run_id: str | None = None) -> dict[str, Any]:
    """Enqueues a command and waits for its answer. Raises the StropError that it failed with."""
    command = enqueue(db, kind, body, run_id)
    while (answer := answer_to(db, command)) is None:
        time.sleep(POLL)
    return answer


def answer_to(db: Database, command: int) -> dict[str, Any] | None:
    """The answer of a settled command, None while it is open. Raises what it failed with."""
    record = commands.get(db, command)
    if record is None or record.status in ("pending", "taken"):
        if not runner_is_alive():
            wake_runner()
        return None
    answer: dict[str, Any] = msgspec.json.decode(record.answer or "{}")
    if record.status == "failed":
        kinds = {2: InputError, 3: RetryableError}
        raise kinds.get(answer.get("exit_code", 1), StropError)(answer.get("error", "failed"))
    return answer


def follow(db: Database, run_id: str, after: int = 0) -> Iterator[EventRecord | None]:
    """Events of a run as they happen, until it is in a final status; None while waiting.

    Raises RetryableError if the runner dies with the run unfinished.
    """
    while True:
        alive = runner_is_alive()
        # Before the events: whatever brought the run to rest is among them, or among those before.
        resting = (run := runs.get(db, run_id)) is not None and run.status in FINAL
        new = list(events.since(db, after, run_id))
        for event in new:
            after = event.id
            yield event
            if event.kind == "status" and msgspec.json.decode(event.body)["status"] in FINAL:
                return
        if not new:
            if resting:
                return
            if not alive:
                raise RetryableError(
                    f"the runner has ended; go on with: strop tune --resume {run_id}"
                )
            yield None
            time.sleep(POLL)
