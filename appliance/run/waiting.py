"""Who waits for an answer, and whether they still do.

A process that asks holds a lock on one byte of a file. The system lets go of the lock however the
process ends, so nobody has to trust a clock or the number of a process.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from appliance import locations
from store.records import CommandRecord


@contextmanager
def waiting() -> Iterator[int]:
    """Gives the number of an asker, who waits until the block or the process ends."""
    asker = secrets.randbits(62)
    with locations.askers_lock().open("ab") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1, asker)
        yield asker


def is_abandoned(command: CommandRecord) -> bool:
    """Whether the process that waited for the command's answer has ended."""
    return command.asker is not None and not is_waiting(command.asker)


def is_waiting(asker: int) -> bool:
    """Whether another process waits under this number."""
    with locations.askers_lock().open("ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, asker)
        except OSError:
            return True
    return False
