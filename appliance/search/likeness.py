"""The likeness of cases' queries to their support, as a run fits and reads it.

It is read by the body that will serve, off states that no candidate changes, so each row is read
once in a run. It comes after the search: beside a likeness that nearly always knows a tuning
relation, a race would hardly notice how well candidates read label words (docs/design.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from appliance.calibrate.shrinkage import Rows
from appliance.calibrate.whitening import vectors, whitening
from appliance.evaluate.cost import expected_cost
from appliance.evaluate.evaluator import Evaluator
from appliance.prompts.by_states import read_alone
from appliance.prompts.likeness import Likeness
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import Evidence
from appliance.scoring.likeness import likeness, rows_of, with_likeness
from appliance.search.candidate import Candidate
from appliance.search.portfolio import Format
from appliance.task import Case, Example

LEAST = 200
"""Rows that it is fitted to whatever they cost."""

FOLDS = (5, 20)
"""The numbers of folds that are tried before each case has one of its own."""


class Likenesses:
    """The likeness that a run has of any cases.

    It is fitted to the rows of the first ``cases``, as many as the budget (cost units) pays for.
    The first cases, which the search has ``seen``, share rows with these and with each other. So
    each is read by a fit that has not seen its rows: by that of its fold, without all rows of the
    fold's cases. Where nothing is left to fit to, labels are all alike.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        cases: Sequence[Case],
        line: Format,
        budget: float,
        *,
        seen: int,
    ) -> None:
        self._evaluator = evaluator
        self._line = line
        self._rows: dict[str, Example] = {}
        self._states: dict[str, Rows] = {}
        self._read(self._paid_for(cases, budget))
        self._whole = self._fit(self._rows)
        self._fold, left = _dealt(cases[:seen], self._rows)
        self._folds = [self._fit(sorted(rows)) if rows else None for rows in left]

    def of(self, cases: Sequence[Case]) -> list[tuple[float, ...]]:
        """The likeness of the labels of each case. Raises Unanswerable where the model cannot take
        one of the rows."""
        self._read(cases)
        return [self._of(case) for case in cases]

    def added_to(
        self, prompt: Prompt, evidence: Sequence[Evidence], cases: Sequence[Case]
    ) -> list[Evidence]:
        """The evidence of the cases with their likeness; as it is where the prompt brings one of
        its own. Raises Unanswerable as ``of`` does."""
        if prompt.likeness is not None:
            return [*evidence]
        return with_likeness(evidence, cases, self.of(cases))

    def cost(self, cases: Sequence[Case]) -> float:
        """What reading those rows of the cases would cost that were not read yet (cost units)."""
        return self._price([row for at, row in rows_of(cases).items() if at not in self._rows])

    def candidate(self, candidate: Candidate, cases: Sequence[Case]) -> Candidate:
        """A copy of the candidate with the likeness on the first ``cases``, which it has seen."""
        seen = cases[: len(candidate.scored)]
        return Candidate(
            candidate.prompt,
            "likeness",
            parents=(candidate,),
            source=candidate.source,
            objective=candidate.objective,
            scored=self.added_to(candidate.prompt, candidate.scored, seen),
        )

    def fitted(self, weight: float) -> Likeness:
        """That of a prompt, fitted to all rows that were read."""
        values = self._fit(self._rows)
        return Likeness(
            self._evaluator.bench.bodies["serving"].sha256,
            values.shape[1],
            values.astype("<f2").tobytes(),
            self._line.example,
            self._line.head,
            weight,
        )

    def _of(self, case: Case) -> tuple[float, ...]:
        by = self._folds[self._fold[case.id]] if case.id in self._fold else self._whole
        if by is None:
            return (0.0,) * len(case.labels)
        rows = [*rows_of([case])]
        found = vectors(np.stack([self._states[row] for row in rows]), by)
        return likeness(case, dict(zip(rows, found.tolist(), strict=True)))

    def _fit(self, rows: Collection[str]) -> Rows:
        """None of the above is no label here: its rows have nothing in common."""
        none = self._evaluator.task.none
        named = [row for row in rows if self._rows[row].label != none] or rows
        labels = sorted({self._rows[row].label for row in named})
        gold = np.array([labels.index(self._rows[row].label) for row in named], np.int64)
        return whitening(np.stack([self._states[row] for row in named]), gold)

    def _read(self, cases: Sequence[Case]) -> None:
        new = {row: own for row, own in rows_of(cases).items() if row not in self._rows}
        if new:
            line = read_alone(self._line.head, self._line.example)
            for row, state in self._evaluator.states_alone(line, [*new.values()]).items():
                self._states[row] = np.frombuffer(state, "<f2").astype(np.float64)
            self._rows |= new

    def _price(self, rows: Sequence[Example]) -> float:
        if not rows:
            return 0.0
        line = read_alone(self._line.head, self._line.example)
        prices = self._evaluator.bench.bodies["serving"].prices
        return expected_cost(self._evaluator.renderer, line, [*map(Case, rows)], prices)

    def _paid_for(self, cases: Sequence[Case], budget: float) -> Sequence[Case]:
        some = [*rows_of(cases).values()][:LEAST]
        each = self._price(some) / len(some)
        most, taken = max(LEAST, int(budget / max(each, 1e-9))), 0
        rows: set[str] = set()
        for case in cases:
            rows |= rows_of([case]).keys()
            if len(rows) > most and taken:
                break
            taken += 1
        return cases[:taken]


def _dealt(
    cases: Sequence[Case], rows: Collection[str]
) -> tuple[dict[str, int], list[Collection[str]]]:
    """The fold of each case, by its id, and the ``rows`` that are left for each fold: all without
    those of its cases. There are as few folds as leave half of the rows to each."""
    fold: dict[str, int] = {}
    left: list[Collection[str]] = []
    for count in (*FOLDS, len(cases)):
        fold = {case.id: number % count for number, case in enumerate(cases)}
        left = [{*rows} - rows_of(cases[number::count]).keys() for number in range(count)]
        if min(map(len, left), default=0) >= len(rows) / 2:
            break
    return fold, left
