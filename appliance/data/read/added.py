"""Adds the rows of files to a task."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.data import Earlier, Imported
from appliance.data.choices import Choices
from appliance.data.read.notes import notes_on
from appliance.data.split.added import added
from appliance.data.split.gathered import Gathered
from appliance.data.spool import Lazy
from appliance.files import refused
from appliance.task import Case

MOST = 2_000
"""The most rows of a file that are added. They go beyond the limit that an import has."""


def with_added(earlier: Earlier, path: Path, found: Gathered, choices: Choices) -> Imported:
    """The earlier task with the rows that were ``found`` in a file.

    Its labels, its metric and all else that it says stay, and so do the cases of selection and
    test. Raises InputError where no new row can be added, or too many.
    """
    rows, task, shipped = Gathered(), earlier.task, bytearray()
    for row in earlier.rows:
        rows.add("", row, labelled=choices.labelled)
        shipped.append(row.may_ship)
    first = len(rows)
    for number in range(len(found)):
        rows.add(found.place(number), found.example(number), labelled=choices.labelled)
    division = added(rows, first, earlier.splits)
    joined = len(division.parts["tuning"]) - len(earlier.splits["tuning"])
    if division.spare and not joined:
        raise refused(
            path,
            "no row can be added: the text, group or pair of entities of each new one stands in "
            "selection or test; add rows of other texts",
        )
    if joined > MOST:
        raise refused(
            path,
            f"has {joined:,} rows to add, and at most {MOST:,} are added at once; divide the file, "
            "or import all rows as a new task",
        )
    notes = list(division.notes)
    if kept := int(np.count_nonzero(np.frombuffer(shipped, np.bool_) & ~rows.ships[:first])):
        notes.append(
            f"rows of the task that may no longer ship, because a copy in the file may not: {kept}"
        )
    names = tuple(label.name for label in task.labels)

    def case(number: int) -> Case:
        return Case(rows.example(number), names)

    return Imported(
        task,
        Lazy(rows.kept, rows.example),
        {name: Lazy(part, case) for name, part in division.parts.items()},
        notes=(*notes, *notes_on(task, rows, choices, spare=0)),
        in_place_of=earlier.id,
    )
