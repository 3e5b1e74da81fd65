"""Makes a task from the rows of a file of any format: checked, without duplicates, split once.

The rows are read one at a time and kept on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path

import msgspec

from appliance.data import Imported
from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats.looks import recognised
from appliance.data.labels.given import labels_of
from appliance.data.read.columns import Defect, Row
from appliance.data.read.examples import Reader
from appliance.data.read.notes import notes_on
from appliance.data.read.reshape import reshaped
from appliance.data.split.gathered import COUNTS, OFFERS, Gathered
from appliance.data.split.refusal import check_parts
from appliance.data.split.stratify import split
from appliance.data.spool import Lazy
from appliance.errors import InputError
from appliance.files import refused
from appliance.kinds import KINDS
from appliance.task import (
    Case,
    Match,
    Task,
)

LOOKED_AT = 100
"""The number of first rows in which the columns are looked for."""


def fixed_task(
    path: Path,
    rows: Iterable[tuple[str, Row]],
    problems: Problems,
    choices: Choices,
    notes: Sequence[str] = (),
) -> Imported:
    """Makes a task whose cases all have the same list of labels, or none.

    ``rows`` come with their places in the file, and are read once. A row has the fields of its kind
    (``kinds.KINDS``) and what is to be predicted; it may have ``may_ship`` and
    ``group`` (rows of one group never straddle splits). Raises InputError that names the file, the
    rows and the fields, and MissingColumns. Nothing is half-imported.
    """
    reader = Reader(choices)
    rows = reshaped(recognised(path, rows, choices), problems, choices)
    gathered = _gathered(path, rows, problems, reader, labelled=choices.labelled)
    problems.raise_if_any()
    skipped = len(problems.found)
    if skipped and not len(gathered):
        raise problems.refusal()
    try:
        imported = _imported(path, gathered, choices)
    except InputError as error:
        see = [f"wrong rows skipped: {skipped}; see them with: --on-error stop"] if skipped else []
        raise InputError("\n  ".join([str(error), *problems.notes, *see])) from None
    told = [*notes, *problems.notes]
    told += [*([f"wrong rows skipped: {skipped}"] if skipped else []), *reader.notes]
    return msgspec.structs.replace(imported, notes=(*told, *imported.notes), skipped=problems.found)


def _gathered(
    path: Path,
    rows: Iterable[tuple[str, Row]],
    problems: Problems,
    reader: Reader,
    *,
    labelled: bool,
) -> Gathered:
    gathered = Gathered()
    rows = iter(rows)
    first = list(islice(rows, LOOKED_AT))
    reader.columns.check(path, [row for _, row in first])
    for where, row in chain(first, rows):
        reader.columns.see(row)
        try:
            gathered.add(where, reader.example(row), labelled=labelled)
        except Defect as defect:
            problems.add(f"{where}, {defect.column}", defect.what)
    reader.columns.check_mapped(path)
    return gathered


def _imported(path: Path, rows: Gathered, choices: Choices) -> Imported:
    if choices.none is None and choices.usual_none in rows.labels:
        choices = msgspec.structs.replace(choices, none=choices.usual_none)
    labels = labels_of(path, rows.labels, len(rows.kept), choices)
    names = tuple(label.name for label in labels)
    most = choices.sizes.most
    if choices.one_label and most and min(most) < len(names):
        what = (
            f"--sizes gives a split room for fewer rows ({min(most)}) than there are labels "
            f"({len(names)}); give larger ones"
        )
        raise refused(path, what)
    parts = split(rows.index, rows.kept, choices.seed, choices.sizes)
    check_parts(path, rows, parts, names if choices.one_label else ())
    task = Task(
        choices.name,
        kind=choices.kind,
        protocol="fixed",
        labels=tuple(labels),
        none=choices.none,
        metric=choices.metric or KINDS[choices.kind].metrics[0],
        licence=choices.licence,
        origin=choices.origin,
        several=choices.several,
        match=choices.match or _match(rows, choices),
    )

    def case(number: int) -> Case:
        return Case(rows.example(number), names)

    return Imported(
        task,
        Lazy(rows.kept, rows.example),
        {name: Lazy(part, case) for name, part in parts.items()},
        notes=tuple(notes_on(task, rows, choices.sizes, sum(map(len, parts.values())))),
    )


def _match(rows: Gathered, choices: Choices) -> Match:
    """How answers are compared unless the person says so: as choices, as numbers or as text."""
    if KINDS[choices.kind].comparison != "match":
        return "exact"
    if rows.count(OFFERS) == len(rows.kept):
        return "choice"
    return "numeric" if rows.count(COUNTS) == len(rows.kept) else "exact"
