"""Asks what to tune: a task, a model, how long, and the seed."""

from __future__ import annotations

import math
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from appliance.errors import InputError
from appliance.run.amounts import check_amounts
from appliance.run.messages import Tune
from appliance.text import printable, quoted


class NewRun(ModalScreen[Tune | None]):
    """Answers with a ``tune`` command, or None where it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, tasks: list[str], models: list[str]) -> None:
        super().__init__()
        self._tasks, self._models = tasks, models

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "new run"
            with Grid():
                yield Label("Task")
                yield _choice("task", self._tasks)
                yield Label("Model")
                yield _choice("model", self._models)
                yield Label("Minutes")
                yield Input("10", id="minutes")
                yield Label("Candidates")
                yield Input(placeholder="as many as the minutes pay for", id="candidates")
                yield Label("Seed")
                yield Input("0", id="seed")
            yield Static(id="refusal", markup=False)
            with Horizontal():
                yield Button("Start", variant="primary", id="start")
                yield Button("Cancel", id="cancel")

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def start(self) -> None:
        try:
            asked = Tune(
                task=str(self.query_one("#task", Select).value),
                model=str(self.query_one("#model", Select).value),
                minutes=_minutes(self.query_one("#minutes", Input).value),
                seed=_seed(self.query_one("#seed", Input).value),
                candidates=_candidates(self.query_one("#candidates", Input).value),
            )
            check_amounts(asked)
        except InputError as error:
            self.query_one("#refusal", Static).update(f"✗ {error}")
            return
        self.dismiss(asked)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)


def _choice(id: str, names: list[str]) -> Select[str]:
    options = [(Content(printable(name)), name) for name in names]
    return Select(options, value=names[-1], allow_blank=False, id=id)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not math.isfinite(minutes):
        raise InputError(f"Minutes: {quoted(text)} is no number; type one such as 10")
    return minutes


def _candidates(text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"Candidates: {quoted(text)} is no whole number; leave it empty for any")
    return int(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"Seed: {quoted(text)} is no whole number from 0 to 999999999")
    return int(text)
