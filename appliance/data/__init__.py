"""Data from files: importers, splits and episodes. Only ``tasks`` touches the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from appliance.data.bad_rows import Skipped
from appliance.prompts.prompt import Prompt
from appliance.task import (
    Case,
    Example,
    Split,
    Task,
)


class Imported(msgspec.Struct, frozen=True):
    """What an importer returns: everything that a new task consists of, already split.

    ``examples`` are all rows, including those that no case asks about; they and the cases may be on
    disk. ``seed`` is the prompt that the file brings along, if any. ``notes`` are sentences for the
    person who imports: what was dropped or looks odd. ``skipped`` are the wrong rows that were left
    out. ``in_place_of`` is the id of the task whose name this one takes, if any.
    """

    task: Task
    examples: Sequence[Example]
    cases: Mapping[Split, Sequence[Case]]
    seed: Prompt | None = None
    notes: tuple[str, ...] = ()
    skipped: Sequence[Skipped] = ()
    in_place_of: str | None = None


class Earlier(msgspec.Struct, frozen=True):
    """A task that rows are added to: its id, all its rows, and the ids of the rows of each split in
    their order."""

    id: str
    task: Task
    rows: Iterable[Example]
    splits: Mapping[Split, Sequence[str]]
