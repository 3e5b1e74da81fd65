"""The format of a prompt that won, for tasks other than its own."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.kinds import KINDS, Kind
from appliance.prompts.prompt import Prompt
from appliance.prompts.unfitted import unfitted
from appliance.search.portfolio import Format, shipped
from appliance.search.spaces import named
from appliance.search.spaces.space import examples


def format_of(prompt: Prompt, kind: Kind, labels: int) -> Format | None:
    """The format of a prompt for a task of the kind with so many labels; 0 are unknown, and any
    rows are then one of each.

    None for a prompt with words that do not come with Strop, which may speak of its task's own
    labels and rows, and for one that says more than a format does.
    """
    rows = len(prompt.shots)
    found = Format(
        example=prompt.example,
        readout=prompt.readout,
        head=prompt.section("task"),
        shots=round(rows / labels) if labels else min(rows, 1),
        join=prompt.join,
        wording=prompt.wording,
        order=prompt.order,
        options=prompt.options,
    )
    known, space, seed = shipped(kind), named(KINDS[kind].space), KINDS[kind].seed
    heads = {"", seed[0], *space.heads.values(), *(each.head for each in known)}
    templates = {seed[1], *examples(space), *(each.example for each in known)}
    is_known = found.head in heads and found.example in templates
    return found if is_known and found.prompt({}) == replace(unfitted(prompt), shots=()) else None
