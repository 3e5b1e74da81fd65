"""Follows a run until nobody works on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from appliance.cli.exits import Detached
from appliance.cli.output import Output
from appliance.cli.runs.progress import Progress
from appliance.errors import DamagedError
from appliance.run import client, read
from appliance.run.events import Best, Event, Note, Plan, Stage

if TYPE_CHECKING:
    from sqlite_utils import Database

Tell = Callable[[Event], None]


def watch(out: Output, db: Database, run_id: str, title: str, after: int = 0) -> None:
    """Shows a run until nobody works on it; its events up to ``after`` are taken in silently.

    Raises Detached where the person leaves, and RetryableError where the runner dies.
    """
    progress = Progress()
    for told in read.events_since(db, 0, run_id):
        if told.id > after:
            break
        progress.apply(told.event)
    try:
        with _viewer(out, db, title, progress) as tell:
            for event in client.follow(db, run_id, after):
                if event is not None:
                    tell(event)
    except KeyboardInterrupt:
        raise Detached(f"the run goes on; `strop runs watch {run_id}`") from None


@contextmanager
def _viewer(out: Output, db: Database, title: str, progress: Progress) -> Iterator[Tell]:
    if not out.can_redraw():
        out.say(title)
        yield lambda event: _narrate(out, progress.apply(event))
        return
    from appliance.cli.runs.live import Panel

    with Panel(out.console(), title, progress) as panel:

        def tell(event: Event) -> None:
            line = progress.apply(event)
            if type(event) is Best:
                with suppress(DamagedError):  # It is told of where the run is concluded.
                    panel.prompt = read.prompt_text(db, event.prompt)
            if line and isinstance(event, Note | Plan | Stage):
                panel.say(line)

        yield tell


def _narrate(out: Output, line: str | None) -> None:
    if line:
        out.say(line)
