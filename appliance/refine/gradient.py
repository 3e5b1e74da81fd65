"""The gradient of a prompt's loss over some cases, tied over all renderings of each literal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.layout import Layout
from appliance.prompt import Prompt
from appliance.scoring.evaluator import Evaluator
from appliance.task import Case
from appliance.tokens import Owner
from models.engine import Choice, Differentiate, Gradients

TOP = 24


class Gradient(msgspec.Struct, frozen=True):
    """``owners[i]`` is a literal token; ``reply`` holds its norm and its best swaps at i;
    ``before[i]`` the tokens before its first occurrence."""

    owners: tuple[Owner, ...]
    before: tuple[tuple[int, ...], ...]
    reply: Gradients


def gradient(evaluator: Evaluator, prompt: Prompt, cases: Sequence[Case]) -> Gradient:
    """One request to the twin, through the calibration branch where the prompt has a weight."""
    layout = evaluator.renderer.layout(prompt, cases, owned=True)
    choices = tuple(
        Choice(plain, free if prompt.weight else (), case.gold, prompt.weight)
        for plain, free, case in zip(layout.plain, layout.free, cases, strict=True)
    )
    request = Differentiate(tuple(layout.segments), tuple(layout.owners), choices, TOP)
    reply = evaluator.bench.gradients("twin", request)
    return Gradient(tuple(layout.literal_tokens), _before(layout), reply)


def _before(layout: Layout) -> tuple[tuple[int, ...], ...]:
    """For each literal token the sequence that leads to where it first stands."""
    found: dict[int, tuple[int, ...]] = {}
    paths: list[tuple[int, ...]] = []
    for segment, numbers in zip(layout.segments, layout.owners, strict=True):
        path = paths[segment.parent] if segment.parent >= 0 else ()
        for at, number in enumerate(numbers):
            if number >= 0 and number not in found:
                found[number] = path + segment.tokens[:at]
        paths.append(path + segment.tokens)
    return tuple(found[number] for number in range(len(layout.literal_tokens)))
