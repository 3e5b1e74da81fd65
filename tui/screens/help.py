"""What the keys do, and what stands behind the window."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

TEXT = """\
n    new run
p    pause
r    resume a paused, stopped or failed run
s    stop
f    finish: go to the verdict on the best so far
v    curve or prompt, in a narrow window
j k  down and up, as the arrows
tab  to the next panel
q    quit

Closing this window stops nothing: runs go on in
the background, and the next window shows them.

Accuracies are on the cases a candidate has seen
(n), with their 95 % interval. Only the verdict
reads the test cases, and only it says whether
the prompt is better.

escape closes this help."""


class Help(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
    ]

    def compose(self) -> ComposeResult:
        text = Static(TEXT, markup=False, classes="dialog")
        text.border_title = "help"
        yield text
