"""The cases that one of the two prompts got right to a higher degree than the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from appliance.kinds import KINDS
from appliance.task import Case, Example, Task
from appliance.verdict.report.both import Name, credit, tally
from appliance.verdict.verdict import Answer

LONGEST = 200
"""The number of characters of a text that are shown."""

LEAD = 40
"""The number of characters that a cut text keeps before what is asked for."""


class Flip(msgspec.Struct, frozen=True):
    """A case that changed. ``about`` holds a relation's two entities or a passage's question."""

    case: str
    text: str
    about: str
    gold: str
    seed: str
    best: str
    seed_credit: float
    best_credit: float


def flips(
    task: Task, answers: Sequence[Answer], cases: Mapping[str, Case]
) -> tuple[tuple[Flip, ...], tuple[Flip, ...]]:
    """Returns the cases that the best prompt won and those that it lost, the largest differences
    first."""
    every = [_flip(task, answer, cases[answer.case].query) for answer in answers]
    every.sort(key=lambda flip: -abs(flip.best_credit - flip.seed_credit))
    won = tuple(flip for flip in every if flip.best_credit > flip.seed_credit)
    lost = tuple(flip for flip in every if flip.best_credit < flip.seed_credit)
    return won, lost


def excerpt(row: Example) -> str:
    """Returns the part of a text that holds what is asked for: its entities or its right answer."""
    text = row.text
    if len(text) <= LONGEST:
        return text
    spans = [span for span in (row.head, row.tail) if span]
    spans += [(start, end) for start, end, _ in row.spans]
    spans += [(at, at + len(a)) for a in row.answers if (at := text.find(a)) >= 0]
    asked = sorted(spans)[:2]
    start = max(asked[0][0] - LEAD, 0) if asked and asked[-1][1] > LONGEST else 0
    end = start + LONGEST
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def asked_about(row: Example) -> str:
    """Returns a relation's two entities or a passage's question; empty for other rows."""
    pair = f"{row.head_text}; {row.tail_text}" if row.head is not None else ""
    return row.question or pair


def _flip(task: Task, answer: Answer, row: Example) -> Flip:
    gold, seed, best = (_readable(task, text) for text in (answer.gold, answer.seed, answer.best))
    return Flip(
        case=answer.case,
        text=excerpt(row),
        about=asked_about(row),
        gold=gold,
        seed=seed,
        best=best,
        seed_credit=_credit(task, answer, "seed"),
        best_credit=_credit(task, answer, "best"),
    )


def _credit(task: Task, answer: Answer, name: Name) -> float:
    """Returns the credit by which the verdict counts wins: for an F1 that of the case."""
    if task.metric in ("accuracy", "token_f1"):
        return credit(answer, name)
    hits, wrong, missed = tally(answer, name)
    return 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else 1.0


def _readable(task: Task, answer: str) -> str:
    """Returns entities in words, other answers as they are."""
    if KINDS[task.kind].gold != "spans":
        return answer
    found = msgspec.json.decode(answer, type=list[dict[str, str]])
    return ", ".join(f"{entity['text']} ({entity['type']})" for entity in found)
