"""Asks the runner something, and tells what it notes until it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from appliance.cli.exits import Detached
from appliance.cli.output import Output
from appliance.run import client, read
from appliance.run.events import Note
from appliance.run.messages import Command, Planned, kind_of
from appliance.run.waiting import is_abandoned
from store import commands

if TYPE_CHECKING:
    from sqlite_utils import Database

A = TypeVar("A")


def ask(out: Output, db: Database, command: Command[A], run_id: str | None = None) -> A:
    """The runner's answer to a command; what it notes while it prepares is narrated.

    Raises the StropError that the command failed with, and Detached where the person interrupts it.
    """
    others = [other for other in commands.unsettled(db) if other.run_id is None]
    if before := [other.kind for other in others if not is_abandoned(other)]:
        out.say(f"asked before and carried out first: {', '.join(before)}")
    after = read.last_event(db)

    def tell_notes() -> None:
        nonlocal after
        for told in read.events_since(db, after):
            after = told.id
            if isinstance(told.event, Note) and told.run_id is None:
                out.say(told.event.text)

    try:
        return client.ask(db, command, run_id, tell_notes)
    except client.Left as left:
        kind = kind_of(command)
        match left.answer:
            case None:
                what = f"interrupted: the {kind} was withdrawn, nothing of it goes on"
            case Planned(run):
                what = (
                    f"run {run} is there and goes on; follow it with: strop runs watch {run}, or "
                    f"end it: strop runs stop {run}"
                )
            case _:
                what = f"interrupted, but the {kind} was carried out before"
        raise Detached(what) from None
