"""Notes on the rows of a file: what may be a mistake but does not stop an import."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from appliance.data.choices import Choices
from appliance.data.read.label_notes import notes_on_labels
from appliance.data.split.gathered import OFFERS, QUOTES, REASONED, Gathered
from appliance.kinds import KINDS
from appliance.task import Task


def notes_on(task: Task, rows: Gathered, choices: Choices, spare: int) -> Iterator[str]:
    """Yields notes on the rows of a file. ``spare`` counts those that the limits left out."""
    yield from _rows(task, rows)
    yield from notes_on_labels(task, rows, choices)
    if choices.sizes.most and spare:
        tuning, selection, test = (f"{size:,}" for size in choices.sizes.most)
        yield (
            f"rows that belong to no split and are asked nothing: {spare:,}; at most {tuning} "
            f"tuning, {selection} selection and {test} test rows are asked, for more give --sizes"
        )


def _rows(task: Task, rows: Gathered) -> Iterator[str]:
    count = len(rows.kept)
    if rows.duplicates:
        yield f"exact duplicate rows dropped: {rows.duplicates}"
    if told := int(np.count_nonzero(rows.index.told_by_digits(rows.kept))):
        yield (
            f"{told} of {count} texts differ from others only in digits, which therefore count "
            "when rows are split: else so many texts would stay on one side"
        )
    _, alike = np.unique(rows.index.asked[rows.kept], return_counts=True)
    if torn := int(np.count_nonzero(alike > 1)):
        yield f"{KINDS[task.kind].torn}: {torn}"
    if KINDS[task.kind].comparison == "quote" and (elsewhere := count - rows.count(QUOTES)):
        yield f"{elsewhere} of {count} rows have no answer that stands in their passage"
    if KINDS[task.kind].comparison == "match":
        offers, reasoned = rows.count(OFFERS), rows.count(REASONED)
        if task.match != "choice" and reasoned < count:
            yield f"{reasoned} of {count} rows have reasoning"
        if task.match != "choice" and offers:
            yield (
                f"{offers} of {count} rows have choices: all answers are written; to have them "
                "chosen, give --match choice --on-error skip"
            )
