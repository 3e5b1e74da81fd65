"""Data from files: importers, splits and episodes. Only ``tasks`` touches the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    out.
    """

    task: Task
    examples: Sequence[Example]
    cases: Mapping[Split, Sequence[Case]]
    seed: Prompt | None = None
    notes: tuple[str, ...] = ()
    skipped: Sequence[Skipped] = ()
