"""Formats that are known to work, for each kind of task in the order in which to try them.

``tests/bench/portfolio.py`` chose and ordered them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import msgspec

from appliance.kinds import Kind
from appliance.prompts.prompt import Prompt, Readout, Section
from appliance.search.shots import Demonstrations
from appliance.task import Task


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt but for a task's own labels and rows: it shows ``shots`` rows of each label."""

    example: str
    readout: Readout
    head: str = ""
    shots: int = 0

    def prompt(self, demonstrations: Demonstrations) -> Prompt:
        rows = (row for ids in demonstrations.values() for row in ids[: self.shots])
        return Prompt(
            sections=(Section("task", self.head),) if self.head else (),
            example=self.example,
            shots=tuple(rows),
            readout=self.readout,
        )


def portfolio(task: Task, seed: Prompt) -> tuple[Format, ...]:
    """The formats for a task that list a question's options where the ``seed`` does. Where that
    says yes or no, or a row may have several labels, they are those that read hidden states."""
    text = files(__name__).joinpath("formats.json").read_bytes()
    known = msgspec.json.decode(text, type=Mapping[Kind, tuple[Format, ...]])
    offers = "choices" in seed.slots
    states_only = task.several or seed.form == "yesno"
    readouts = ("hidden",) if states_only else ("hidden", "words")
    return tuple(
        each
        for each in known.get(task.kind, ())
        if ("{choices}" in each.example) == offers and each.readout in readouts
    )
