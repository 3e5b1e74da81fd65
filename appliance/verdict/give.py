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
from appliance.statistics.clusters import belonging
from appliance.task import Case, Task
from appliance.verdict.judge import judge
from appliance.verdict.paid import paid
from appliance.verdict.verdict import AGAIN, ALPHA, Answer, Noise, Reading, Verdict


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
