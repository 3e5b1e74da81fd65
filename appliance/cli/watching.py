"""Following the runner: a command until it is answered, a run until nobody works on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.cli.exits import Detached
from appliance.cli.output import Output
from appliance.cli.runs.progress import Progress
from appliance.prompts import show
from appliance.prompts.prompt import Prompt
from appliance.run import client
from store import events, prompts

if TYPE_CHECKING:
    from sqlite_utils import Database

Tell = Callable[[str, dict[str, Any]], None]


def ask(
    out: Output, db: Database, kind: str, body: dict[str, Any], run_id: str | None = None
) -> dict[str, Any]:
    """The runner's answer to a command; what it notes while it prepares is narrated.

    Raises the StropError that the command failed with.
    """
    after = last_event(db)
    command = client.enqueue(db, kind, body, run_id)
    try:
        while True:
            try:
                answer = client.answer_to(db, command)
            finally:  # what was noted before an answer, or a failure, is told before it
                after = _tell_notes(out, db, after)
            if answer is not None:
                return answer
            time.sleep(client.POLL)
    except KeyboardInterrupt:
        raise Detached("the runner goes on with it; see: strop runs list") from None


def watch(out: Output, db: Database, run_id: str, title: str, after: int = 0) -> None:
    """Shows a run until nobody works on it; its events up to ``after`` are taken in silently.

    Raises Detached where the person leaves, and RetryableError where the runner dies.
    """
    progress = Progress()
    for event in events.since(db, 0, run_id):
        if event.id > after:
            break
        progress.apply(event.kind, msgspec.json.decode(event.body))
    try:
        with _viewer(out, db, title, progress) as tell:
            for new in client.follow(db, run_id, after):
                if new is not None:
                    tell(new.kind, msgspec.json.decode(new.body))
    except KeyboardInterrupt:
        raise Detached(f"the run goes on; `strop runs watch {run_id}`") from None


def _tell_notes(out: Output, db: Database, after: int) -> int:
    """Narrates what was noted of no run after that event; the last event there is."""
    for event in events.since(db, after):
        after = event.id
        if event.kind == "note" and event.run_id is None:
            out.say(msgspec.json.decode(event.body)["text"])
    return after


def last_event(db: Database) -> int:
    return int(db.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0])


def prompt_text(db: Database, prompt_id: str) -> str:
    record = prompts.get(db, prompt_id)
    return show.plain(msgspec.json.decode(record.body, type=Prompt)) if record else ""


@contextmanager
def _viewer(out: Output, db: Database, title: str, progress: Progress) -> Iterator[Tell]:
    if not out.can_redraw():
        out.say(title)
        yield lambda kind, body: _narrate(out, progress.apply(kind, body))
        return
    from appliance.cli.runs.live import Panel

    with Panel(out.console(), title, progress) as panel:

        def tell(kind: str, body: dict[str, Any]) -> None:
            line = progress.apply(kind, body)
            if kind == "best":
                panel.prompt = prompt_text(db, body["prompt"])
            if line and kind in ("note", "plan", "stage"):
                panel.say(line)

        yield tell


def _narrate(out: Output, line: str | None) -> None:
    if line:
        out.say(line)
