"""Candidates that are scored together: what their prompts share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from appliance.evaluate.evaluator import TOGETHER, Evaluator
from appliance.evaluate.workbench import Unanswerable
from appliance.prompts.by_states import beginning
from appliance.prompts.prompt import Prompt
from appliance.search.candidate import Candidate
from appliance.search.rungs import Step
from appliance.search.schedule import rungs
from appliance.task import Case

if TYPE_CHECKING:
    from appliance.search.race import Race


def score_together(
    race: Race, candidates: Sequence[Candidate], depth: int, going: Callable[[], bool]
) -> None:
    """Scores new candidates of a race together on the first rung, ``TOGETHER`` at a time. Those
    that share even the rows are scored together on the later rungs too, up to ``depth`` cases, as
    far as each is level with the leader."""

    def scored(group: Sequence[Candidate], cases: int) -> bool:
        if len(group) < 2 or not going():
            return False
        return _extended(race.evaluator, group, race.cases[len(group[0].scored) : cases])

    at_once = [c for c in candidates if not race.evaluator.writes(c.prompt)]
    for group in _groups(at_once, race.first):
        first = race.first(group[0].prompt)
        if not scored(group, first):
            continue
        for alike in _sharing_rows(group):
            for cases in rungs(min(max(depth, first), len(race.cases)), first)[1:]:
                alike = [c for c in alike if race.is_level(c, len(c.scored))]
                if not scored(alike, cases):
                    break


def _groups(
    candidates: Sequence[Candidate], first: Callable[[Prompt], int]
) -> Iterator[list[Candidate]]:
    """Yields groups of at most ``TOGETHER`` candidates with the same first rung."""
    by_first: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_first.setdefault(first(candidate.prompt), []).append(candidate)
    for some in by_first.values():
        yield from (some[at : at + TOGETHER] for at in range(0, len(some), TOGETHER))


def _sharing_rows(group: Sequence[Candidate]) -> list[list[Candidate]]:
    """Those of a group whose prompts begin alike up to a row's text and with it."""
    found: dict[str, list[Candidate]] = {}
    for candidate in group:
        if key := beginning(candidate.prompt):
            found.setdefault(key, []).append(candidate)
    return list(found.values())


def _extended(evaluator: Evaluator, group: Sequence[Candidate], more: Sequence[Case]) -> bool:
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
