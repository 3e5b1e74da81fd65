"""From replies to outcomes, and from cases to the decisions that a gradient goes through."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.prompt import Prompt
from appliance.render import asked, holds
from appliance.renderer import Answers, Sheet
from appliance.scoring.judged import Judged, stake
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.written import units
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
            Judged(
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
    task: Task, prompt: Prompt, sheet: Sheet, cases: Sequence[Case], sharpness: float
) -> tuple[Choice, ...]:
    """Of each question that types leave open the decision whose loss a race counts; of all where
    they leave none. The channel is left out (``with_channel``)."""
    if prompt.form == "yesno":
        return _yes_no_decisions(task, prompt, sheet, cases, sharpness)
    found = []
    for case, [answers], [nothing] in zip(cases, sheet.plain, sheet.free, strict=True):
        weight, prior, gold = prompt.weight, prompt.prior, case.gold
        if len(answers) == 1:  # an answer that is written
            weight, prior, gold = 0.0, (), 0
            sharpness = 1 / units(case)
        found.append(Choice(answers, nothing if weight else (), gold, weight, sharpness, prior))
    return tuple(found)


def with_channel(choice: Choice, share: float, channel: Sequence[float]) -> Choice:
    """The decision where the channel has a share below 1 of the scores. What it gives each label is
    taken as it is: its own slope is left out."""
    priors = choice.prior or (0.0,) * len(channel)
    left = 1 - share
    return msgspec.structs.replace(
        choice,
        sharpness=choice.sharpness * left,
        prior=tuple((b - share * r) / left for b, r in zip(priors, channel, strict=True)),
    )


def _yes_no_decisions(
    task: Task, prompt: Prompt, sheet: Sheet, cases: Sequence[Case], sharpness: float
) -> tuple[Choice, ...]:
    allowed = [[_fits(task, label, case) for label in asked(task, case)] for case in cases]
    if not any(map(any, allowed)):  # What a gradient costs is measured on few cases.
        allowed = [[True] * len(one) for one in allowed]
    found = []
    for case, may, plain, free in zip(cases, allowed, sheet.plain, sheet.free, strict=True):
        due = [holds(label, case.query) for label in asked(task, case)]
        stakes = [stake(yes, task.metric) * fits for yes, fits in zip(due, may, strict=True)]
        prior = prompt.prior or (0.0,) * len(due)
        for answers, nothing, yes, at_stake, b in zip(plain, free, due, stakes, prior, strict=True):
            if at_stake:
                choice = Choice(
                    answers,
                    nothing if prompt.weight else (),
                    YES if yes else NO,
                    prompt.weight,
                    sharpness,
                    (b + prompt.threshold, 0.0),
                    counts=at_stake / sum(stakes),
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
