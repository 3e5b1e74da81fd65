"""The gradient of a prompt's loss over some cases, summed over all renderings of each literal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from appliance.encode.layout import Layout
from appliance.encode.tokens import Owner
from appliance.evaluate.decisions import with_channel
from appliance.evaluate.evaluator import Evaluator
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import CONTENT_FREE
from appliance.task import Case, Example
from models.engine import Differentiate, Gradients

TOP = 24


class Gradient(msgspec.Struct, frozen=True):
    """``owners[i]`` is a literal token, and ``reply`` holds its norm and its best swaps at i.
    ``before[i]`` are the tokens before its first occurrence in a rendering without private rows; it
    is empty where the token does not occur there."""

    owners: tuple[Owner, ...]
    before: tuple[tuple[int, ...], ...]
    reply: Gradients


def gradient(
    evaluator: Evaluator,
    prompt: Prompt,
    cases: Sequence[Case],
    inverse_temperature: float,
    channel: Mapping[str, Sequence[float]],
) -> Gradient:
    """Asks the twin in one request. The gradient goes through the content-free branch too where the
    prompt gives it a weight. ``channel`` holds each case's scores by the channel; it is read where
    the prompt has a channel weight."""
    sheet, choices = evaluator.decisions(prompt, cases, inverse_temperature)
    if prompt.channel_weight:
        choices = tuple(
            with_channel(choice, prompt.channel_weight, channel[case.id])
            for choice, case in zip(choices, cases, strict=True)
        )
    layout = sheet.layout
    request = Differentiate(sheet.segments, tuple(layout.owners), choices, TOP)
    reply = evaluator.bench.gradients("twin", request)
    public = evaluator.renderer.sheet(prompt, [_without_content(prompt, cases[0])], owned=True)
    before = _before(public.layout)
    return Gradient(
        owners=tuple(layout.literal_tokens),
        before=tuple(before.get(owner, ()) for owner in layout.literal_tokens),
        reply=reply,
    )


def _without_content(prompt: Prompt, case: Case) -> Case:
    """The case without the content of its rows, since a model may repeat in a prompt what it has
    read. Where support is shown, each label has one row: a model would hardly go on from a question
    that lacks it."""
    row = case.query
    text, head, tail = CONTENT_FREE, None, None
    if row.head is not None:
        text, size = f"{CONTENT_FREE} {CONTENT_FREE}", len(CONTENT_FREE)
        head, tail = (0, size), (size + 1, 2 * size + 1)
    query = Example(
        text=text,
        head=head,
        tail=tail,
        label=row.label,
        labels=row.labels,
        question=CONTENT_FREE,
        answers=(CONTENT_FREE,),
        choices=(CONTENT_FREE,) * len(row.choices),
    )
    shown = case.labels if case.support and "support" in prompt.slots else ()
    support = (msgspec.structs.replace(query, label=label) for label in shown)
    return Case(query, case.labels, tuple(support))


def _before(layout: Layout) -> dict[Owner, tuple[int, ...]]:
    """Maps each literal token to the tokens before its first occurrence."""
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
