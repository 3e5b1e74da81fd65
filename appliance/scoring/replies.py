"""From replies to outcomes, and from cases to the decisions that a gradient goes through."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.encode.renderer import Answers, Sheet
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import asked, holds
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.written import units
from appliance.scoring.yes_no import YesNoOutcome, class_weight
from appliance.task import Case, Task
from models.engine import Choice, Scores

YES, NO = 0, 1


def read_scores(
    task: Task, prompt: Prompt, sheet: Sheet, reply: Scores, cases: Sequence[Case]
) -> list[Outcome]:
    """Sums each answer's log-probabilities (design, "The score")."""
    total = totals(sheet, reply)

    def scores(answers: Answers) -> tuple[float, ...]:
        return tuple(total[segment] for segment in answers)

    if prompt.form == "yesno":
        return [
            YesNoOutcome(
                case=case.id,
                labels=asked(task, case),
                gold=tuple(holds(label, case.query) for label in asked(task, case)),
                plain=tuple(_margin(scores(answers)) for answers in plain),
                free=tuple(_margin(scores(answers)) for answers in free),
                allowed=tuple(_fits(task, label, case) for label in asked(task, case)),
                none=task.none or "",
                several=task.several,
            )
            for case, plain, free in zip(cases, sheet.plain, sheet.free, strict=True)
        ]
    channel = sheet.channel or [()] * len(cases)
    return [
        Scored(
            case=case.id,
            gold=case.gold,
            plain=scores(plain),
            free=scores(free),
            labels=case.options,
            channel=scores(given),
            none=case.options.index(task.none) if task.none in case.options else -1,
        )
        for case, [plain], [free], given in zip(
            cases, sheet.plain, sheet.free, channel, strict=True
        )
    ]


def decisions(
    task: Task, prompt: Prompt, sheet: Sheet, cases: Sequence[Case], inverse_temperature: float
) -> tuple[Choice, ...]:
    """Of each question that types leave open the decision whose loss a race counts; of all where
    they leave none. The channel is left out (``with_channel``)."""
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
    """The decision where the channel has a share below 1 of the scores. What it gives each label is
    taken as it is: its own slope is left out."""
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
    allowed = [[_fits(task, label, case) for label in asked(task, case)] for case in cases]
    if not any(map(any, allowed)):  # What a gradient costs is measured on few cases.
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


def totals(sheet: Sheet, reply: Scores) -> dict[int, float]:
    """The score of each segment that is read."""
    reading = [index for index, segment in enumerate(sheet.segments) if segment.read]
    pairs = zip(reading, reply.logprobs, strict=True)
    return {index: round(sum(logprobs), 4) for index, logprobs in pairs}


def _margin(scores: Sequence[float]) -> float:
    return round(scores[YES] - scores[NO], 4)


def _fits(task: Task, label: str, case: Case) -> bool:
    """Whether the types of a case's entities can have a relation; unknown ones can."""
    pairs = next(entry.pairs for entry in task.labels if entry.name == label)
    types = (case.query.head_type, case.query.tail_type)
    return not pairs or not all(types) or types in pairs
