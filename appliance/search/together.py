"""Candidates that are scored together: what their prompts share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from appliance.evaluate.evaluator import TOGETHER, Evaluator
from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.by_states import beginning
from appliance.prompts.prompt import Prompt
from appliance.search.candidate import Candidate
from appliance.search.rungs import Step
from appliance.task import Case


def groups(
    candidates: Sequence[Candidate], first: Callable[[Prompt], int]
) -> Iterator[list[Candidate]]:
    """Yields groups of at most ``TOGETHER`` candidates with the same first rung."""
    by_first: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_first.setdefault(first(candidate.prompt), []).append(candidate)
    for some in by_first.values():
        yield from (some[at : at + TOGETHER] for at in range(0, len(some), TOGETHER))


def sharing_rows(group: Sequence[Candidate]) -> list[list[Candidate]]:
    """Those of a group whose prompts begin alike up to a row's text and with it."""
    found: dict[str, list[Candidate]] = {}
    for candidate in group:
        if key := beginning(candidate.prompt):
            found.setdefault(key, []).append(candidate)
    return list(found.values())


def extended(evaluator: Evaluator, group: Sequence[Candidate], more: Sequence[Case]) -> bool:
    """Whether candidates that have seen the same cases could be scored on ``more`` of them; false
    where the model cannot take one of their prompts. Each is then asked alone."""
    spent, tokens = evaluator.spent, evaluator.tokens
    try:
        found = evaluator.score_together([each.prompt for each in group], more)
    except Unanswerable:
        return False
    for candidate, evidence in zip(group, found, strict=True):
        candidate.scored += evidence
        candidate.cost += (evaluator.spent - spent) / len(group)
        read = (evaluator.tokens - tokens) / len(group)
        candidate.paid.append(Step(len(candidate.scored), read))
    return True
