"""Figures of answers that are labels: each label's own, and which labels are confused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence

import msgspec
import numpy as np

from appliance.calibrate.separation import Confused
from appliance.statistics.bootstrap import Rows, estimates
from appliance.statistics.f1 import mean_f1_of_draws, rests_on
from appliance.statistics.metrics import f1
from appliance.statistics.proportions import Estimate, wilson
from appliance.task import BETWEEN, MULTIPLE, Task
from appliance.verdict.report.both import (
    Both,
    Name,
    both,
    exact,
    predicted,
)
from appliance.verdict.verdict import Answer

WIDEST = 20
"""The number of labels up to which a confusion matrix can be read."""

_directed = re.compile(r"(.+)\((e[12]),\s*(e[12])\)")


class LabelRow(msgspec.Struct, frozen=True):
    """The figures of one label.

    ``seed_right`` and ``best_right`` count which of its ``n`` cases each prompt got right;
    ``best_interval`` is the Wilson interval of the best prompt's share, None where n is 0.
    ``seed_given`` and ``best_given`` count how often each prompt predicted the label at all.
    """

    label: str
    n: int
    seed_right: int
    best_right: int
    best_interval: tuple[float, float] | None
    seed_given: int
    best_given: int
    seed_f1: Estimate
    best_f1: Estimate


class Matrix(msgspec.Struct, frozen=True):
    """A confusion matrix: for ``counts[i][j]`` cases of ``labels[i]`` the best prompt predicted
    ``predicted[j]``. ``predicted`` begins with the labels, in their order."""

    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Direction(msgspec.Struct, frozen=True):
    """``n`` cases have a label that differs from another in direction alone. ``errors`` of them got
    a wrong answer, ``of_direction`` of these the label of the other direction."""

    n: int
    errors: int
    of_direction: int


def by_label(task: Task, answers: Sequence[Answer], clusters: Sequence[Hashable]) -> list[LabelRow]:
    """Returns every label that is right somewhere or was predicted, the most frequent first."""
    order = _labels(task, answers)
    counts = both(lambda name: _counts(task, answers, order, name))
    f1s = Both(_f1s(counts.seed, clusters), _f1s(counts.best, clusters))
    sums = zip(counts.seed.sum(0).astype(int), counts.best.sum(0).astype(int), strict=True)
    rows = [
        LabelRow(
            label=label,
            n=(n := int(after[0] + after[2])),
            seed_right=int(before[0]),
            best_right=int(after[0]),
            best_interval=_interval(int(after[0]), n),
            seed_given=int(before[0] + before[1]),
            best_given=int(after[0] + after[1]),
            seed_f1=f1s.seed[i],
            best_f1=f1s.best[i],
        )
        for i, (label, (before, after)) in enumerate(zip(order, sums, strict=True))
    ]
    return sorted(rows, key=lambda row: (-row.n, row.label))


def macro_f1(
    task: Task, answers: Sequence[Answer], name: Name, clusters: Sequence[Hashable]
) -> Estimate:
    """Returns the mean of 2 TP / (2 TP + FP + FN) over the labels that occur."""
    counts = _counts(task, answers, _labels(task, answers), name)
    rows = counts.reshape(len(answers), -1)
    value = mean_f1_of_draws(rows.sum(0))
    return estimates(
        rows, lambda sums: value(sums)[..., None], clusters, lambda units: [rests_on(units)]
    )[0]


def confusions(answers: Sequence[Answer]) -> list[Confused]:
    """Returns what the best prompt predicts instead of each label, the most frequent first."""
    counts = Counter((a.gold, a.best) for a in answers if not exact(a, "best"))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Confused(gold, predicted, count) for (gold, predicted), count in ordered]


def matrix(task: Task, answers: Sequence[Answer]) -> Matrix | None:
    """Returns None where a matrix could not be read: for too many labels, or several a case."""
    labels = _in_order(task, {a.gold for a in answers})
    others = _in_order(task, {a.best for a in answers} - set(labels))
    if task.several or len(labels) + len(others) > WIDEST:
        return None
    columns = (*labels, *others)
    counts = Counter((a.gold, a.best) for a in answers)
    cells = tuple(tuple(counts[gold, other] for other in columns) for gold in labels)
    return Matrix(tuple(labels), columns, cells)


def directions(task: Task, answers: Sequence[Answer]) -> Both[Direction] | None:
    """Returns None where no labels come in pairs. Pairs are written as in SemEval-2010 task 8:
    "Cause-Effect(e1,e2)" and "Cause-Effect(e2,e1)"."""
    parts = {label.name: _directed.fullmatch(label.name) for label in task.labels}
    keyed = {m.groups(): label for label, m in parts.items() if m}
    other = {label: keyed.get((what, b, a)) for (what, a, b), label in keyed.items() if a != b}
    asked = [a for a in answers if other.get(a.gold)]

    def counted(name: Name) -> Direction:
        wrong = [a for a in asked if not exact(a, name)]
        return Direction(
            len(asked), len(wrong), sum(predicted(a, name) == other[a.gold] for a in wrong)
        )

    return both(counted) if asked else None


def multiple(answers: Sequence[Answer], name: Name) -> int:
    """Counts the answers that are wrong because several labels got a yes."""
    return sum(predicted(a, name) == MULTIPLE for a in answers)


def _interval(right: int, n: int) -> tuple[float, float] | None:
    if n == 0:
        return None
    found = wilson(right, n)
    return found.low, found.high


def _in_order(task: Task, names: set[str]) -> list[str]:
    """Returns the task's labels in its order, then the other names."""
    known = [label.name for label in task.labels if label.name in names]
    return known + sorted(names.difference(known))


def _names(task: Task, answer: str) -> tuple[str, ...]:
    if not task.several:
        return (answer,)
    return tuple(answer.split(BETWEEN)) if answer else ()


def _labels(task: Task, answers: Sequence[Answer]) -> list[str]:
    """Returns every label that is right somewhere or was predicted."""
    texts = {text for a in answers for text in (a.gold, a.seed, a.best)}
    found = {label for text in texts for label in _names(task, text)}
    return sorted(found - {MULTIPLE})


def _counts(task: Task, answers: Sequence[Answer], labels: Sequence[str], name: Name) -> Rows:
    """Counts each case by label: [cases, labels, (TP, FP, FN)]."""
    place = {label: i for i, label in enumerate(labels)}
    positives, given = (np.zeros((len(answers), len(labels)), dtype=bool) for _ in range(2))
    for i, answer in enumerate(answers):
        for text, where in ((answer.gold, positives), (predicted(answer, name), given)):
            where[i, [place[label] for label in _names(task, text) if label in place]] = True
    counts = np.stack([positives & given, given & ~positives, positives & ~given], axis=-1)
    return counts.astype(np.float64)


def _f1s(counts: Rows, clusters: Sequence[Hashable]) -> list[Estimate]:
    cases, labels, _ = counts.shape

    def each(sums: Rows) -> Rows:
        return f1(sums.reshape(*sums.shape[:-1], labels, 3))

    def basis(units: Rows) -> list[int]:
        return list(map(rests_on, np.split(units, labels, axis=1)))

    return estimates(counts.reshape(cases, -1), each, clusters, basis)
