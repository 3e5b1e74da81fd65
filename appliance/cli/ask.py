"""Asks the runner something, and tells what it notes until it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from appliance.cli.exits import Detached
from appliance.cli.output import Output
from appliance.run import client, read
from appliance.run.events import Note
from appliance.run.messages import Command

if TYPE_CHECKING:
    from sqlite_utils import Database

A = TypeVar("A")


def ask(out: Output, db: Database, command: Command[A], run_id: str | None = None) -> A:
    """The runner's answer to a command; what it notes while it prepares is narrated.

    Raises the StropError that the command failed with, and Detached where the person leaves.
    """
    after = read.last_event(db)

    def tell_notes() -> None:
        nonlocal after
        for told in read.events_since(db, after):
            after = told.id
            if isinstance(told.event, Note) and told.run_id is None:
                out.say(told.event.text)

    try:
        return client.ask(db, command, run_id, tell_notes)
    except KeyboardInterrupt:
        raise Detached("the runner goes on with it; see: strop runs list") from None
