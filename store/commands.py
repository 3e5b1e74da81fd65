"""The queue between the windows, which write commands, and the one runner, which takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.database import now, write
from store.errors import SettledError
from store.records import CommandRecord
from store.sql import insert, select

if TYPE_CHECKING:
    from sqlite_utils import Database


def enqueue(
    db: Database, kind: str, content: str, run_id: str | None = None, asker: int | None = None
) -> int:
    """Adds a pending command and returns its id.

    ``content`` is JSON. A command that holds anything of a task is forgotten with it: by its run,
    or by the name or id that ``content`` has as its ``task``.
    """
    values = {"kind": kind, "content": content, "run_id": run_id, "asker": asker}
    with write(db):
        insert(db, "commands", {**values, "status": "pending", "created_at": now()})
        return int(db.execute("SELECT last_insert_rowid()").fetchone()[0])


def take(db: Database) -> CommandRecord | None:
    """Marks the oldest pending command as taken and returns it; None where there is none."""
    oldest = "SELECT min(id) FROM commands WHERE status = 'pending'"
    if db.execute(oldest).fetchone()[0] is None:  # an idle poll takes no write lock
        return None
    with write(db):
        taken = db.execute(
            f"UPDATE commands SET status = 'taken', tries = tries + 1 WHERE id = ({oldest}) "
            "RETURNING id"
        ).fetchall()
    return get(db, taken[0][0]) if taken else None


def settle(db: Database, id: int, answer: str | None, failed: bool = False) -> None:
    """Closes an open command with its answer (JSON); SettledError where it is closed or unknown."""
    with write(db):
        settle_within(db, id, answer, failed)


def settle_within(db: Database, id: int, answer: str | None, failed: bool = False) -> None:
    """``settle`` inside the caller's write, so that answer and changes are stored together."""
    if not db.execute(
        "UPDATE commands SET status = ?, answer = ? "
        "WHERE id = ? AND status IN ('pending', 'taken')",
        ("failed" if failed else "done", answer, id),
    ).rowcount:
        raise SettledError(f"command {id} is not open: it was settled before or never enqueued")


def withdraw(db: Database, id: int, answer: str) -> bool:
    """Closes a command that nobody wants any more, with ``answer`` (JSON). Returns False where it
    was settled before."""
    try:
        settle(db, id, answer, failed=True)
    except SettledError:
        return False
    return True


def is_open(db: Database, id: int) -> bool:
    """Whether the command is still to be settled."""
    found = get(db, id)
    return found is not None and found.status in ("pending", "taken")


def get(db: Database, id: int) -> CommandRecord | None:
    return next(iter(select(db, CommandRecord, "commands", "WHERE id = ?", (id,))), None)


def unsettled(db: Database) -> list[CommandRecord]:
    """The commands that are pending or taken, oldest first."""
    where = "WHERE status IN ('pending', 'taken') ORDER BY id"
    return select(db, CommandRecord, "commands", where)


def pending(db: Database, run_id: str | None) -> list[CommandRecord]:
    """The pending commands of one run, or those that belong to none; oldest first."""
    where = "WHERE status = 'pending' AND run_id IS ? ORDER BY id"
    return select(db, CommandRecord, "commands", where, (run_id,))


def waiting(db: Database) -> list[CommandRecord]:
    """Every pending command, oldest first."""
    return select(db, CommandRecord, "commands", "WHERE status = 'pending' ORDER BY id")


def requeue_taken(db: Database, tries: int, answer: str) -> None:
    """Makes the commands pending again that a dead runner took and did not settle. One that was
    taken ``tries`` times fails with ``answer`` (JSON) instead, since it may be what ends
    runners."""
    with write(db):
        db.execute(
            "UPDATE commands SET status = 'failed', answer = ? "
            "WHERE status = 'taken' AND tries >= ?",
            (answer, tries),
        )
        db.execute("UPDATE commands SET status = 'pending' WHERE status = 'taken'")
