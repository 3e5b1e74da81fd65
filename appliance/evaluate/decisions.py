"""Decisions on cases, which the twin differentiates. Their mean loss is the loss of a race."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.encode.renderer import Sheet
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import asked, holds
from appliance.scoring.replies import NO, YES, types_allow
from appliance.scoring.written import units
from appliance.scoring.yes_no import class_weight
from appliance.task import Case, Task
from models.engine import Choice


def decisions(
    task: Task, prompt: Prompt, sheet: Sheet, cases: Sequence[Case], inverse_temperature: float
) -> tuple[Choice, ...]:
    """One decision a case. A yes/no prompt has one for each question that the entities' types leave
    open, or for every question where they leave none open. ``with_channel`` adds the channel."""
    if prompt.form == "yesno":
        return _yes_no_decisions(task, prompt, sheet, cases, inverse_temperature)
    found = []
    for case, [answers], [nothing] in zip(cases, sheet.plain, sheet.free, strict=True):
        weight, bias, gold = prompt.weight, prompt.bias, case.gold
        if len(answers) == 1:  # an answer that is written
            weight, bias, gold = 0.0, (), 0
            inverse_temperature = 1 / units(case)
        found.append(
            Choice(answers, nothing if weight else (), gold, weight, inverse_temperature, bias)
        )
    return tuple(found)


def with_channel(choice: Choice, share: float, channel: Sequence[float]) -> Choice:
    """The decision with the channel's scores added, whose ``share`` of all scores is below 1.

    ``channel`` holds the score of each label (nats). It counts as a constant: no gradient goes
    through it.
    """
    biases = choice.bias or (0.0,) * len(channel)
    left = 1 - share
    return msgspec.structs.replace(
        choice,
        inverse_temperature=choice.inverse_temperature * left,
        bias=tuple((b - share * r) / left for b, r in zip(biases, channel, strict=True)),
    )


def _yes_no_decisions(
    task: Task, prompt: Prompt, sheet: Sheet, cases: Sequence[Case], inverse_temperature: float
) -> tuple[Choice, ...]:
    allowed = [[types_allow(task, label, case) for label in asked(task, case)] for case in cases]
    if not any(map(any, allowed)):  # A gradient's price is measured on few cases.
        allowed = [[True] * len(one) for one in allowed]
    found = []
    for case, may, plain, free in zip(cases, allowed, sheet.plain, sheet.free, strict=True):
        positive = [holds(label, case.query) for label in asked(task, case)]
        weights = [
            class_weight(yes, task.metric) * fits for yes, fits in zip(positive, may, strict=True)
        ]
        bias = prompt.bias or (0.0,) * len(positive)
        for answers, nothing, yes, weight, b in zip(
            plain, free, positive, weights, bias, strict=True
        ):
            if weight:
                choice = Choice(
                    answers,
                    nothing if prompt.weight else (),
                    YES if yes else NO,
                    prompt.weight,
                    inverse_temperature,
                    (b + prompt.threshold, 0.0),
                    counts=weight / sum(weights),
                )
                found.append(choice)
    return tuple(found)
