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


def portfolio(kind: Kind, seed: Prompt) -> tuple[Format, ...]:
    """The formats for a kind of task that list a question's options where the ``seed`` does. Where
    that says yes or no to each label, they are those that read hidden states."""
    text = files(__name__).joinpath("formats.json").read_bytes()
    known = msgspec.json.decode(text, type=Mapping[Kind, tuple[Format, ...]])
    offers = "choices" in seed.slots
    readouts = ("hidden",) if seed.form == "yesno" else ("hidden", "words")
    return tuple(
        each
        for each in known.get(kind, ())
        if ("{choices}" in each.example) == offers and each.readout in readouts
    )
