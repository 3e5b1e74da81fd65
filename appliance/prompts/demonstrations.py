"""Which rows stand in a prompt as demonstrations, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.prompts.prompt import Order, Prompt
from appliance.task import Case, Example


def shown(prompt: Prompt, shots: Sequence[Example], case: Case) -> tuple[Example, ...]:
    """The rows that stand as demonstrations. Under a prompt that asks for reasoning these are the
    rows that have some, since an empty one would teach to write none."""
    rows = (*shots, *case.support)
    return tuple(r for r in rows if r.reasoning) if "reasoning" in prompt.slots else rows


def ordered(
    order: Order, shots: tuple[Example, ...], labels: tuple[str, ...]
) -> tuple[Example, ...]:
    """Demonstrations in the prompt's order; ties keep the given one. Labels that are not the case's
    come last."""
    match order:
        case "reversed":
            return shots[::-1]
        case "label":
            places = {label: place for place, label in enumerate(labels)}
            return tuple(sorted(shots, key=lambda shot: places.get(shot.label, len(labels))))
        case "shortest":
            return tuple(sorted(shots, key=lambda shot: len(shot.text)))
        case "longest":
            return tuple(sorted(shots, key=lambda shot: -len(shot.text)))
        case _:
            return shots
