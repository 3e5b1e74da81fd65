"""Makes a task from the rows of files of any format: checked, without duplicates, split once.

The rows are read one at a time and kept on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.data import Earlier, Imported
from appliance.data.bad_rows import LEAST_ROWS, LISTED
from appliance.data.choices import Choices
from appliance.data.labels.given import labels_of
from appliance.data.read.added import with_added
from appliance.data.read.gather import gather
from appliance.data.read.notes import notes_on
from appliance.data.read.source import Source
from appliance.data.split.brought import brought
from appliance.data.split.division import Division
from appliance.data.split.gathered import COUNTS, OFFERS, Gathered
from appliance.data.split.refusal import check_brought, check_parts, check_room
from appliance.data.split.stratify import split
from appliance.data.spool import Lazy
from appliance.errors import InputError
from appliance.kinds import KINDS
from appliance.task import Case, Match, Task
from appliance.text import quoted


def fixed_task(
    sources: Sequence[Source], choices: Choices, earlier: Earlier | None = None
) -> Imported:
    """Makes a task whose cases all have the same list of labels, or none: of the rows alone, or of
    those of an ``earlier`` task with the rows added to it.

    A row has the fields of its kind (``kinds.KINDS``) and what is to be predicted; it may have
    ``may_ship`` and ``group`` (rows of one group never straddle splits, unless the files bring
    their splits). Raises InputError that names the file, the rows and the fields, and
    MissingColumns. Nothing is half-imported.
    """
    found = gather(sources, choices)
    skipped = len(found.skipped)
    try:
        if earlier is None:
            imported = _imported(sources, found.rows, choices)
        else:
            imported = with_added(earlier, sources[0].path, found.rows, choices)
    except InputError as error:
        see = [f"wrong rows skipped: {skipped}; see them with: --on-error stop"] if skipped else []
        if not (found.counted or see):
            raise
        raise InputError("\n  ".join([str(error), *found.counted, *see])) from None
    told = [*found.notes, *([f"wrong rows skipped: {skipped}"] if skipped else [])]
    return msgspec.structs.replace(imported, notes=(*told, *imported.notes), skipped=found.skipped)


def _imported(sources: Sequence[Source], rows: Gathered, choices: Choices) -> Imported:
    path = sources[0].path
    if choices.none is None and choices.usual_none in rows.labels:
        choices = msgspec.structs.replace(choices, none=choices.usual_none)
    bring = "split" in choices.columns or any(source.split for source in sources)
    left_out = [] if bring else _without_rare(rows, choices)
    labels = labels_of(path, rows.labels, len(rows.kept), choices, split=not bring)
    names = tuple(label.name for label in labels)
    division = (_brought if bring else _divided)(path, rows, names, choices)
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
        {name: Lazy(part, case) for name, part in division.parts.items()},
        notes=(*left_out, *division.notes, *notes_on(task, rows, choices, division.spare)),
    )


def _without_rare(rows: Gathered, choices: Choices) -> list[str]:
    """Leaves out the rows of labels that cannot be in every split, where wrong rows are to be
    skipped, a person has not named the labels, and two labels are left. Returns a note on them, if
    any."""
    if not (choices.skip and choices.one_label and choices.labels is None):
        return []
    rare = {label: n for label, n in rows.labels.items() if n < LEAST_ROWS}
    if not rare or len(rows.labels) - len(rare) < 2:
        return []
    rows.leave_out(rare.keys())
    listed = ", ".join(f"{quoted(label)} {n}" for label, n in list(rare.items())[:LISTED])
    why = f"fewer than {LEAST_ROWS} rows have their label"
    return [f"rows left out: {sum(rare.values())}; {why}: {listed}"]


def _divided(path: Path, rows: Gathered, labels: Sequence[str], choices: Choices) -> Division:
    if choices.one_label:
        check_room(path, labels, choices.sizes)
    parts = split(rows.index, rows.kept, choices.seed, choices.sizes)
    check_parts(path, rows, parts, labels if choices.one_label else ())
    counts = {label: rows.labels.get(label, 0) for label in labels}
    few = [f"{quoted(label)} {n}" for label, n in counts.items() if n < LEAST_ROWS]
    note = f"too few rows to be in every split: {', '.join(few[:LISTED])}"
    spare = len(rows.kept) - sum(map(len, parts.values()))
    return Division(parts, spare, (note,) if few else ())


def _brought(path: Path, rows: Gathered, labels: Sequence[str], choices: Choices) -> Division:
    division = brought(rows, labels, choices.seed, choices.sizes)
    check_brought(path, rows.sides, division.parts)
    return division


def _match(rows: Gathered, choices: Choices) -> Match:
    """How answers are compared unless the person says so: as choices, as numbers or as text."""
    if KINDS[choices.kind].comparison != "match":
        return "exact"
    if rows.count(OFFERS) == len(rows.kept):
        return "choice"
    return "numeric" if rows.count(COUNTS) == len(rows.kept) else "exact"
