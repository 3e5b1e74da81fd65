"""Figures of named entities, type by type."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import msgspec

from appliance.scoring.entities import counts, read_json
from appliance.task import (
    Case,
    Example,
    Mark,
    Tally,
    Task,
)
from appliance.verdict.report.both import (
    Both,
    Name,
    Rates,
    both,
    predicted,
    rated,
)
from appliance.verdict.verdict import Answer


class TypeRow(msgspec.Struct, frozen=True):
    """The figures of one type, of which ``n`` entities were to be found."""

    type: str
    n: int
    rates: Both[Rates]


def by_type(
    task: Task,
    answers: Sequence[Answer],
    cases: Mapping[str, Case],
    clusters: Sequence[Hashable],
) -> tuple[TypeRow, ...]:
    """Returns the types that occur or were predicted, the most frequent first."""
    types = [label.name for label in task.labels]
    rows = [cases[a.case].query for a in answers]
    found = both(lambda name: [_read(a, cases[a.case].query, types, name) for a in answers])
    table = []
    for kind in types:
        tallies = Both(_tallies(rows, found.seed, kind), _tallies(rows, found.best, kind))
        if not any(map(any, tallies.seed + tallies.best)):
            continue
        positives = sum(mark[2] == kind for row in rows for mark in row.spans)
        table.append(
            TypeRow(
                kind, positives, Both(rated(tallies.seed, clusters), rated(tallies.best, clusters))
            )
        )
    return tuple(sorted(table, key=lambda row: (-row.n, row.type)))


def _read(answer: Answer, row: Example, types: Sequence[str], name: Name) -> Sequence[Mark]:
    return read_json(predicted(answer, name), row.text, types)


def _tallies(rows: Sequence[Example], found: Sequence[Sequence[Mark]], kind: str) -> list[Tally]:
    """Counts one type by itself, since an entity is right only with its type."""
    return [
        counts(_of_type(row.spans, kind), _of_type(marks, kind), row.text)
        for row, marks in zip(rows, found, strict=True)
    ]


def _of_type(marks: Sequence[Mark], kind: str) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark[2] == kind)
