"""What a prompt answered to a case, as it is shown and counted."""

from __future__ import annotations

import msgspec

from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.prompts.slots import answer_of
from appliance.scoring.outcomes import Outcome
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import BETWEEN, Case, Tally, Task


class Prediction(msgspec.Struct, frozen=True):
    """What a prompt answered to a case, held against what is right.

    ``credit`` is how far it is right, from 0 to 1, ``exact`` whether it is wholly so, and ``tally``
    how it counts for an F1. ``confidence`` is its probability under the prompt's temperature, None
    where that is not known.
    """

    case: str
    gold: str
    predicted: str
    credit: float
    exact: bool
    tally: Tally
    confidence: float | None = None
    part: str = ""


def prediction(
    task: Task, prompt: Prompt, case: Case, outcome: Outcome, *, first: bool = False
) -> Prediction:
    """An outcome as it is shown and counted.

    Where several yes/no questions of a relation are answered with yes, the ``first`` counts only if
    that is asked for.
    """
    told = outcome.predicted(prompt)
    exact, credit, tally = outcome.correct(prompt), outcome.credit(prompt), outcome.tally(prompt)
    if first and isinstance(outcome, YesNoOutcome) and not outcome.several:
        told = outcome.predicted(prompt, first=True)
        exact = told == gold(task, prompt, case)
        credit, tally = float(exact), _one(told, gold(task, prompt, case), task.none)
    return Prediction(
        case=case.id,
        gold=gold(task, prompt, case),
        predicted=told,
        credit=credit,
        exact=exact,
        tally=tally,
        confidence=outcome.confidence(prompt),
        part=case.part,
    )


def gold(task: Task, prompt: Prompt, case: Case) -> str:
    """The right answer as it is shown."""
    row = case.query
    if task.several:
        return BETWEEN.join(y for y in case.labels if y in row.labels) or task.none or ""
    kind = KINDS[task.kind]
    if kind.gold == "label" or task.match == "choice":
        return case.options[case.gold]
    if kind.gold == "spans":
        return answer_of(msgspec.structs.replace(prompt, output="json"), task, row)
    return BETWEEN.join(row.answers)


def _one(told: str, right: str, none: str | None) -> Tally:
    hit = told == right
    return int(hit and right != none), int(not hit and told != none), int(not hit and right != none)
