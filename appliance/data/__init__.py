"""Data from files: importers, splits and episodes. Nothing here touches the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from appliance.data.check import Skipped
from appliance.prompts.prompt import Prompt
from appliance.task import (
    Case,
    Example,
    Split,
    Task,
)


class Imported(msgspec.Struct, frozen=True):
    """What an importer hands over: everything that a new task consists of, already split.

    ``examples`` are all rows, also those that no case asks; they and the cases may be on disk.
    ``seed`` is the prompt that the file brings along, if any. ``notes`` are sentences for the
    person who imports: what was dropped or looks odd. ``skipped`` are rows that were wrong.
    """

    task: Task
    examples: Sequence[Example]
    cases: Mapping[Split, Sequence[Case]]
    seed: Prompt | None = None
    notes: tuple[str, ...] = ()
    skipped: Sequence[Skipped] = ()
