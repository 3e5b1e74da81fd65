"""From the scores that a model replied with to the outcomes of cases."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.encode.renderer import Answers, Sheet
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import asked, holds
from appliance.scoring.outcomes import Outcome, Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import Case, Task
from models.engine import Scores

YES, NO = 0, 1
"""The places of a yes/no question's two answers on a sheet."""


def read_scores(
    task: Task, prompt: Prompt, sheet: Sheet, reply: Scores, cases: Sequence[Case]
) -> list[Outcome]:
    """One outcome a case, of labels or options that were scored on ``sheet``.

    The score of an answer is the sum of its tokens' log-probabilities, in nats (docs/scoring.md,
    "The score").
    """
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
                allowed=tuple(types_allow(task, label, case) for label in asked(task, case)),
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


def totals(sheet: Sheet, reply: Scores) -> dict[int, float]:
    """The score of each segment that is read, in nats, rounded to 1e-4."""
    reading = [index for index, segment in enumerate(sheet.segments) if segment.read]
    pairs = zip(reading, reply.logprobs, strict=True)
    return {index: round(sum(logprobs), 4) for index, logprobs in pairs}


def types_allow(task: Task, label: str, case: Case) -> bool:
    """Whether the types of a case's entities can have a relation; unknown types can have any."""
    pairs = next(entry.pairs for entry in task.labels if entry.name == label)
    types = (case.query.head_type, case.query.tail_type)
    return not pairs or not all(types) or types in pairs


def _margin(scores: Sequence[float]) -> float:
    return round(scores[YES] - scores[NO], 4)
