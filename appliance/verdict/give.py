"""Giving a verdict: the serving body scores seed and best prompt on the locked test split."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from appliance.evaluate.evaluator import Evaluator
from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.scoring.answers import prediction
from appliance.scoring.hidden import read
from appliance.scoring.outcomes import Outcome
from appliance.scoring.written import answers_are_written
from appliance.task import Case, Task
from appliance.verdict.judge import judge
from appliance.verdict.paid import paid
from appliance.verdict.verdict import AGAIN, ALPHA, Answer, Noise, Reading, Unit, Verdict


def give_verdict(
    evaluator: Evaluator,
    cases: Sequence[Case],
    seed: Prompt,
    best: Prompt,
    *,
    model: str,
    body: str,
    alpha: float = ALPHA,
) -> Verdict:
    """Scores both prompts on the same test cases. Nothing else reads the test split."""
    if _differs_in_probabilities_alone(seed, best):
        seed = best
    before = read(seed, evaluator.score(seed, cases, "serving"))
    after = before if best == seed else read(best, evaluator.score(best, cases, "serving"))
    answers = tuple(
        _answer(evaluator.task, seed, best, case, b, a)
        for case, b, a in zip(cases, before, after, strict=True)
    )
    unit, clusters = belonging(cases, evaluator.task)
    found = judge(
        answers,
        evaluator.task.metric,
        seed.id,
        best.id,
        model,
        body,
        alpha=alpha,
        unit=unit,
        clusters=clusters,
    )
    one_label = KINDS[evaluator.task.kind].comparison == "label" and not evaluator.task.several
    losers = paid(answers, clusters) if one_label and unit in ("case", "group") else ()
    noise = _noise(evaluator, best, cases[:AGAIN], after)
    return msgspec.structs.replace(
        found, noise=noise, paid=losers, reading=_reading(evaluator.task, best), answers=answers
    )


def belonging(cases: Sequence[Case], task: Task) -> tuple[Unit, list[str]]:
    """Returns what makes cases alike beyond their text, and the cluster of each case.

    Episodes are alike by their queries' relation, since a user will ask for other relations. Where
    most queries have none of the relations, too few are left to say anything of other ones: there
    the episodes of one query are alike, and the verdict holds for these relations. Rows are alike
    by the group that they were given.
    """
    if task.protocol == "episodes" and task.metric == "accuracy":
        return "relation", [case.query.label for case in cases]
    if task.protocol == "episodes":
        return "query", [case.query.id for case in cases]
    if any(case.query.group for case in cases):
        return "group", [case.query.group or case.id for case in cases]
    return "case", []


def _differs_in_probabilities_alone(seed: Prompt, best: Prompt) -> bool:
    """Whether the seed prompt stands: what is fitted to it after the search changes no answer."""
    fitted = {name: getattr(best, name) for name in ("temperature", "intercept", "abstain")}
    return msgspec.structs.replace(seed, **fitted) == best


def _reading(task: Task, prompt: Prompt) -> Reading:
    if answers_are_written(task, prompt):
        return ""
    return "likeness" if prompt.likeness else prompt.readout


def _answer(
    task: Task, seed: Prompt, best: Prompt, case: Case, before: Outcome, after: Outcome
) -> Answer:
    old, new = prediction(task, seed, case, before), prediction(task, best, case, after)
    return Answer(
        case=case.id,
        gold=new.gold,
        seed=old.predicted,
        best=new.predicted,
        seed_credit=float(old.exact) if task.metric == "accuracy" else old.credit,
        best_credit=float(new.exact) if task.metric == "accuracy" else new.credit,
        seed_tally=old.tally,
        best_tally=new.tally,
        confidence=new.confidence,
        part=case.part,
    )


def _noise(
    evaluator: Evaluator, prompt: Prompt, cases: Sequence[Case], first: Sequence[Outcome]
) -> Noise:
    """Scores the cases in the opposite order, where other batches round the same tokens
    differently."""
    again = read(prompt, evaluator.score(prompt, cases[::-1], "serving"))[::-1]
    pairs = list(zip(first, again, strict=False))
    apart = (abs(x - y) for a, b in pairs for x, y in zip(a.numbers, b.numbers, strict=True))
    changed = sum(a.predicted(prompt) != b.predicted(prompt) for a, b in pairs)
    return Noise(len(again), changed, round(max(apart, default=0.0), 4))
