"""How often each label of a task is right, and how often the most frequent answer is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from appliance.cli.output import columns
from appliance.kinds import KINDS
from appliance.scoring.matching import matches
from appliance.task import BETWEEN, SPLITS, Case, Split, Task
from appliance.text import quoted

LISTED = 20
"""The most labels that are listed; the document has all of them."""

Cases = Mapping[Split, Sequence[Case]]


class Count(msgspec.Struct, frozen=True):
    """How often a label, a type of entity or a choice is right in each split."""

    label: str
    tuning: int
    selection: int
    test: int


class Majority(msgspec.Struct, frozen=True):
    """The answer that is right on most tuning rows, and on how many of the ``n`` test rows it is
    right."""

    answer: str
    right: int
    n: int
    accuracy: float


def counts(task: Task, cases: Cases) -> list[Count]:
    """The counts of all labels, the most frequent first; empty where nothing is chosen among the
    same options."""
    if KINDS[task.kind].gold == "answer" and not _same_choices(cases):
        return []
    found = {
        split: Counter(what for c in cases[split] for what in _right(task, c)) for split in SPLITS
    }
    known = [label.name for label in task.labels] or sorted(set().union(*found.values()))
    each = [Count(name, *(found[split][name] for split in SPLITS)) for name in known]
    return sorted(each, key=lambda count: -(count.tuning + count.selection + count.test))


def majority(task: Task, cases: Cases) -> Majority | None:
    """None where there is no one answer to give to all cases: for entities, for passages, and for
    episodes without none of the above."""
    kind = KINDS[task.kind]
    if kind.comparison in ("entities", "quote") or (task.protocol == "episodes" and not task.none):
        return None
    tuning = Counter(_answer(task, case) for case in cases["tuning"])
    best = tuning.most_common(1)[0][0] if task.protocol == "fixed" else str(task.none)
    test = cases["test"]
    if kind.comparison == "match" and task.match != "choice":
        right = sum(matches(best, case.query.answers, task.match) for case in test)
    else:
        right = sum(_answer(task, case) == best for case in test)
    return Majority(best, right, len(test), round(right / len(test), 4))


def shown(task: Task, found: Sequence[Count], most: Majority | None) -> str:
    """Counts and majority as a person reads them; empty where there are neither."""
    lines = []
    if found:
        what = "type" if KINDS[task.kind].gold == "spans" else "label"
        rows = [
            (quoted(c.label), *(f"{n:,}" for n in (c.tuning, c.selection, c.test)))
            for c in found[:LISTED]
        ]
        lines.append(columns((what, *SPLITS), rows))
        if (more := len(found) - LISTED) > 0:
            lines.append(f"and {more:,} more")
    if most:
        answer = quoted(most.answer) if most.answer else "that no label holds"
        lines.append(
            f"always answering {answer} is right on {most.right:,} of {most.n:,} test rows "
            f"({100 * most.accuracy:.1f} %)"
        )
    return "\n".join(lines)


def _right(task: Task, case: Case) -> Sequence[str]:
    """The labels that are right, or the type of each entity."""
    if KINDS[task.kind].gold == "spans":
        return [kind for _, _, kind in case.query.spans]
    return case.query.labels if task.several else (case.options[case.gold],)


def _answer(task: Task, case: Case) -> str:
    """The right answer as one string."""
    if KINDS[task.kind].gold == "answer" and task.match != "choice":
        return case.query.answers[0]
    return BETWEEN.join(_right(task, case))


def _same_choices(cases: Cases) -> bool:
    offered = {case.query.choices for split in SPLITS for case in cases[split]}
    return len(offered) == 1 and offered != {()}
