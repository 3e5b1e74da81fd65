"""The window: runs on the left, the chosen one live on the right."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static

from appliance import locations
from appliance.errors import StropError
from appliance.run import client
from appliance.run.messages import COMMANDS, Command, Planned, Tune
from appliance.run.read import Run
from appliance.run.states import allows, is_final
from appliance.text import printable
from models.catalog import Catalog
from store import tasks
from store.errors import StoreError, explained
from tui.feed import Feed
from tui.screens.help import Help
from tui.screens.new_run import NewRun
from tui.widgets.best_prompt import BestPrompt
from tui.widgets.candidates import Candidates
from tui.widgets.curve import Curve
from tui.widgets.run_list import RunList
from tui.widgets.summary import Summary
from tui.words import lines

if TYPE_CHECKING:
    from sqlite_utils import Database

TICK = 0.25
RUNNER_TICK = 2.0
WIDE = 110
"""The least columns with which curve and prompt stand side by side."""

LEAST = (60, 20)
"""The least columns and rows in which all panes have room."""

NOTHING_YET = """\
No runs yet.

Strop sharpens a prompt for a small local model, on this machine alone.

In a terminal, once:

    strop models pull smollm2-135m
    strop demo

The demo tunes the shipped sample task in 10 to 15 minutes, and shows up here.

With rows of your own, then press n here:

    strop task import jsonl FILE"""


class Main(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new_run", "New run"),
        Binding("p", "send('pause')", "Pause"),
        Binding("r", "send('resume')", "Resume"),
        Binding("s", "send('stop')", "Stop"),
        Binding("f", "send('finish')", "Finish"),
        Binding("v", "other_view", "View"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self._db = db
        self._feed = Feed(db)
        self._open: list[int] = []
        self._awaited: str | None = None
        self._runner_is_alive = True

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield RunList()
            yield Static(NOTHING_YET, id="nothing", markup=False)
            with Vertical(id="run"):
                yield Summary()
                with Horizontal(id="details"):
                    yield Curve()
                    yield BestPrompt()
                yield Candidates()
        yield Static(id="preparing", markup=False)
        yield Static(id="small", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(RunList).focus()
        self._tick()
        self._watch_runner()
        self.set_interval(TICK, self._tick)
        self.set_interval(RUNNER_TICK, self._watch_runner)

    def on_resize(self, event: Resize) -> None:
        """Says in a terminal without room for the panes how much they need."""
        width, height = event.size
        small = width < LEAST[0] or height < LEAST[1]
        self.set_class(small, "-small")
        self.query_one("#small", Static).update(
            f"This needs {LEAST[0]}x{LEAST[1]} and has {width}x{height}. Enlarge it, or press q "
            "and type: strop runs list"
        )

    @property
    def active_runs(self) -> list[Run]:
        return [run for run in self._feed.runs if not is_final(run.record.status)]

    @property
    def chosen(self) -> Run | None:
        view = self._feed.view
        return None if view is None else self._feed.run(view.run_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys out, in the footer, what the chosen run is not open to; False hides a key."""
        if action == "send":
            return True if self._is_open_to(str(parameters[0])) else None
        return action != "other_view" or self.size.width < WIDE

    def _is_open_to(self, kind: str) -> bool:
        run = self.chosen
        if run is None:
            return False
        status = run.record.status
        abandoned = not is_final(status) and not self._runner_is_alive
        return allows(status, kind) or (kind == "resume" and abandoned)

    @on(OptionList.OptionHighlighted, "#runs")
    def choose(self, event: OptionList.OptionHighlighted) -> None:
        view = self._feed.view
        if event.option_id is not None and (view is None or view.run_id != event.option_id):
            self._feed.choose(event.option_id)
            self._tick()

    def action_send(self, kind: str) -> None:
        if self.chosen is not None:
            self._enqueue(COMMANDS[kind](), self.chosen.id)

    def action_new_run(self) -> None:
        models = [model.name for model in Catalog(locations.models_folder()).all()]
        names = [task.name for task in tasks.all(self._db)]
        if not models:
            self._say("There is no model yet. Type: strop models pull smollm2-135m", "warning")
        elif not names:
            self._say(
                "There is no task yet. Type: strop task import jsonl FILE, or: strop demo",
                "warning",
            )
        else:
            self.app.push_screen(NewRun(names, models), self._start)

    def action_other_view(self) -> None:
        """Shows the prompt instead of curve and candidates, or these again, where there is no room
        for all of them."""
        self.toggle_class("-prompt")

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def _start(self, asked: Tune | None) -> None:
        if asked is not None:
            self._enqueue(asked)
            self._feed.preparing = "preparing the run: measuring this machine, planning"
            self._show_preparing()

    def _enqueue(self, command: Command[Any], run_id: str | None = None) -> None:
        try:
            self._open.append(client.enqueue(self._db, command, run_id))
        except (StropError, StoreError, OSError) as error:
            self._say(str(error), "error")

    def _tick(self) -> None:
        try:
            with explained(locations.store_path()):
                changed = self._feed.poll()
        except (StoreError, sqlite3.Error) as error:
            self.app.exit(StoreError(str(error)))
            return
        if changed:
            self._settle()
            self._show()

    def _watch_runner(self) -> None:
        """Notices a runner that died. Whoever waits for an answer wakes it."""
        if self._open or self.active_runs:
            self._runner_is_alive = client.runner_is_alive()
            self._settle()
            self._show()

    def _settle(self) -> None:
        for command in list(self._open):
            try:
                answer = client.answer_to(self._db, command)
            except (StropError, OSError) as error:
                self._say(str(error), "error")
                self._open.remove(command)
                continue
            if answer is not None:
                self._open.remove(command)
            if isinstance(answer, Planned):
                self._awaited = answer.run

    def _show(self) -> None:
        feed = self._feed
        run_list = self.query_one(RunList)
        run_list.show(feed.runs, len(feed.damage))
        if self._awaited is not None and feed.run(self._awaited):
            run_list.choose(self._awaited)
            self._awaited = None
        self.set_class(not feed.runs, "-empty")
        self._show_preparing()
        run, view = self.chosen, feed.view
        if run is not None and view is not None:
            self.query_one(Summary).show(run, view, self._runner_is_alive)
            self.query_one(Curve).show(run.record, view)
            self.query_one(Candidates).show(view)
            self.query_one(BestPrompt).show(run.record, view)
        self.refresh_bindings()

    def _show_preparing(self) -> None:
        line = self.query_one("#preparing", Static)
        line.display = bool(self._open) and bool(self._feed.preparing)
        line.update(f"… {printable(self._feed.preparing)}")

    def _say(self, message: str, severity: Any) -> None:
        self.notify(lines(message), severity=severity, markup=False, timeout=10)
