"""Notes on the labels of a file: which come in pairs, and which may not be those that are meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from appliance.data.bad_rows import LISTED
from appliance.data.choices import Choices, several
from appliance.data.labels.delimited import delimiter_of
from appliance.data.labels.spelling import variants
from appliance.data.split.gathered import SEVERAL, TYPED, Gathered
from appliance.kinds import KINDS
from appliance.task import Task
from appliance.text import quoted

FORWARD, BACKWARD = "(e1,e2)", "(e2,e1)"
"""How SemEval-2010 task 8 writes which entity comes first in a label."""


def notes_on_labels(task: Task, rows: Gathered, choices: Choices) -> Iterator[str]:
    names = {label.name for label in task.labels}
    if pairs := sorted(name for name in names if _turned(name) in names):
        yield (
            f"{2 * len(pairs)} labels come in directed pairs, as {quoted(pairs[0])} and "
            f"{quoted(_turned(pairs[0]))}: which entity comes first is part of them"
        )
    if any(label.pairs for label in task.labels):
        yield f"{rows.count(TYPED)} of {len(rows.kept)} rows have types of both entities"
    # A labels file settles what the labels are.
    known = rows.labels if choices.labels is None else {}
    mark = delimiter_of(known) if KINDS[task.kind].may_have_several else None
    if mark and not task.several:
        yield f"labels look like several labels, divided by {quoted(mark)}; {several(mark)}"
    if task.several and not rows.count(SEVERAL):
        divided = "labels look divided: give --label-delimiter"
        yield "no row has two labels" + (f"; {divided} {shlex.quote(mark)}" if mark else "")
    if alike := variants(known):
        groups = (" and ".join(f"{quoted(n)} {rows.labels[n]}" for n in group) for group in alike)
        listed = "; ".join(list(groups)[:LISTED])
        yield f"labels that may be one, spelt in several ways: {listed}; if so, use one spelling"


def _turned(name: str) -> str:
    """The backward label of a directed pair; empty where ``name`` is not a forward one."""
    return name.removesuffix(FORWARD) + BACKWARD if name.endswith(FORWARD) else ""
