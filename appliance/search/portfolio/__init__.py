"""Formats that are known to work, for each kind of task in the order in which to try them.

``tests/bench/portfolio.py`` chose and ordered those that come with Strop. The winners of a firm's
own runs are tried before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

import msgspec

from appliance.kinds import Kind
from appliance.prompts.prompt import Options, Order, Prompt, Readout, Section, Wording
from appliance.search.shots import Demonstrations
from appliance.task import Task


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt but for a task's own labels and rows: it shows ``shots`` rows of each label."""

    example: str
    readout: Readout
    head: str = ""
    shots: int = 0
    join: str = ", "
    wording: Wording = "plain"
    order: Order = "given"
    options: Options = "letters"

    def prompt(self, demonstrations: Demonstrations) -> Prompt:
        rows = (row for ids in demonstrations.values() for row in ids[: self.shots])
        return Prompt(
            sections=(Section("task", self.head),) if self.head else (),
            example=self.example,
            join=self.join,
            wording=self.wording,
            order=self.order,
            options=self.options,
            shots=tuple(rows),
            readout=self.readout,
        )


LIKENESS_LINES: Mapping[Kind, Format] = {
    "relation": Format(
        "{text}\nWhat is {head} to {tail}? {head} is {tail}'s {label}\n",
        "hidden",
        head="Relation extraction.\n\n",
    )
}


def portfolio(
    task: Task, seed: Prompt, learnt: Sequence[Format] = (), lettered: bool = False
) -> tuple[Format, ...]:
    """The formats for a task, the ``learnt`` ones first, that list a question's options where the
    ``seed`` does. They write options by their words only where texts list these by letter
    (``lettered``). Where the seed says yes or no, or a row may have several labels, they are those
    that read hidden states."""
    offers = "choices" in seed.slots
    states_only = task.several or seed.form == "yesno"
    readouts = ("hidden",) if states_only else ("hidden", "words")
    return tuple(
        each
        for each in dict.fromkeys((*learnt, *shipped(task.kind)))
        if ("{choices}" in each.example) == offers
        and each.readout in readouts
        and (lettered or each.options == "letters")
    )


def likeness_line(kind: Kind) -> Format | None:
    """The format under which a row is read alone for its likeness to others; None where no such
    format is known. Of those that were tried it gave the best likeness (docs/design.md)."""
    return LIKENESS_LINES.get(kind)


def shipped(kind: Kind) -> tuple[Format, ...]:
    """Those that come with Strop."""
    text = files(__name__).joinpath("formats.json").read_bytes()
    known: Mapping[Kind, tuple[Format, ...]] = msgspec.json.decode(
        text, type=Mapping[Kind, tuple[Format, ...]]
    )
    return known.get(kind, ())
