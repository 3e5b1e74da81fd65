"""How like a case's query is to the support of each of its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from operator import mul
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from appliance.encode.renderer import Renderer
from appliance.prompts.by_states import read_alone
from appliance.prompts.likeness import Likeness
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import holds
from appliance.scoring.outcomes import Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import Case, Example

if TYPE_CHECKING:
    from appliance.scoring.predict import Asked

E = TypeVar("E")
Vector = Sequence[float]


def rows_of(cases: Sequence[Case]) -> dict[str, Example]:
    """The queries and the support of the cases, by their ids."""
    return {row.id: row for case in cases for row in (case.query, *case.support)}


def states_alone(
    ask: Asked, renderer: Renderer, line: Prompt, rows: Sequence[Example]
) -> dict[str, bytes]:
    """The hidden state of each row that is read alone, float16 [width], by the row's id, out of one
    request."""
    reply = ask.hidden(renderer.hidden(line, [Case(row) for row in rows]))
    return {row.id: state for row, state in zip(rows, reply.each(), strict=True)}


def likeness(case: Case, vectors: Mapping[str, Vector]) -> tuple[float, ...]:
    """That of each of the case's labels, from -1 to 1: the mean over the label's support of the
    scalar product of its vector and the query's. It is 0 for a label without support."""
    query = vectors[case.query.id]
    found = []
    for label in case.labels:
        each = [fsum(map(mul, query, vectors[r.id])) for r in case.support if holds(label, r)]
        found.append(round(fsum(each) / max(len(each), 1), 4))
    return tuple(found)


def with_likeness(
    found: Sequence[E], cases: Sequence[Case], each: Sequence[tuple[float, ...]]
) -> list[E]:
    """The outcomes of the cases with the likeness of every label that was asked about."""
    return [_with(*one) for one in zip(found, cases, each, strict=True)]


def without_likeness(found: Sequence[E]) -> list[E]:
    """The outcomes without the likeness of their labels."""
    return [
        replace(one, likeness=()) if isinstance(one, Scored | YesNoOutcome) else one
        for one in found
    ]


def _with(outcome: E, case: Case, own: tuple[float, ...]) -> E:
    if not isinstance(outcome, Scored | YesNoOutcome):
        return outcome
    by_label = dict(zip(case.labels, own, strict=True))
    return replace(outcome, likeness=tuple(by_label[label] for label in outcome.labels))


def likenesses(
    ask: Asked, renderer: Renderer, by: Likeness, cases: Sequence[Case]
) -> list[tuple[float, ...]]:
    """The likeness of the labels of each case, out of one request for the states of their rows."""
    rows = [*rows_of(cases).values()]
    states = states_alone(ask, renderer, read_alone(by.head, by.example), rows)
    vectors = {row: by.vector(state) for row, state in states.items()}
    return [likeness(case, vectors) for case in cases]
