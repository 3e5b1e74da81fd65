"""The gradient of a prompt's loss over some cases, tied over all renderings of each literal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.layout import Layout
from appliance.prompt import Prompt
from appliance.render import CONTENT_FREE
from appliance.scoring.evaluator import Evaluator
from appliance.task import Case, Example
from appliance.tokens import Owner
from models.engine import Choice, Differentiate, Gradients

TOP = 24


class Gradient(msgspec.Struct, frozen=True):
    """``owners[i]`` is a literal token; ``reply`` holds its norm and its best swaps at i;
    ``before[i]`` the tokens before its first occurrence in a rendering without private rows, none
    where it has no such occurrence."""

    owners: tuple[Owner, ...]
    before: tuple[tuple[int, ...], ...]
    reply: Gradients


def gradient(
    evaluator: Evaluator, prompt: Prompt, cases: Sequence[Case], sharpness: float
) -> Gradient:
    """One request to the twin, through the calibration branch where the prompt has a weight. The
    loss is that of races, but for their step at an error, which has no slope."""
    layout = evaluator.renderer.layout(prompt, cases, owned=True)
    choices = tuple(
        Choice(
            plain,
            free if prompt.weight else (),
            case.gold,
            prompt.weight,
            sharpness,
            prompt.prior,
        )
        for plain, free, case in zip(layout.plain, layout.free, cases, strict=True)
    )
    request = Differentiate(tuple(layout.segments), tuple(layout.owners), choices, TOP)
    reply = evaluator.bench.gradients("twin", request)
    public = evaluator.renderer.layout(prompt, [_without_content(cases[0])], owned=True)
    before = _before(public)
    return Gradient(
        owners=tuple(layout.literal_tokens),
        before=tuple(before.get(owner, ()) for owner in layout.literal_tokens),
        reply=reply,
    )


def _without_content(case: Case) -> Case:
    """The case with nothing of its rows: what a model has read it may repeat in a prompt."""
    everywhere = (0, len(CONTENT_FREE))
    query = Example(CONTENT_FREE, everywhere, everywhere, case.query.label)
    return Case(query, case.labels)


def _before(layout: Layout) -> dict[Owner, tuple[int, ...]]:
    """For each literal token the sequence that leads to where it first stands."""
    owners = list(layout.literal_tokens)
    found: dict[Owner, tuple[int, ...]] = {}
    paths: list[tuple[int, ...]] = []
    for segment, numbers in zip(layout.segments, layout.owners, strict=True):
        path = paths[segment.parent] if segment.parent >= 0 else ()
        for at, number in enumerate(numbers):
            if number >= 0:
                found.setdefault(owners[number], path + segment.tokens[:at])
        paths.append(path + segment.tokens)
    return found
