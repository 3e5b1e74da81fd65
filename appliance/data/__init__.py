"""Data from files: importers, splits and episodes. Nothing here touches the store."""

from __future__ import annotations

import msgspec

from appliance.prompt import Prompt
from appliance.task import Case, Example, Split, Task


class Imported(msgspec.Struct, frozen=True):
    """What an importer hands over: everything that a new task consists of, already split.

    ``seed`` is the prompt that the file brings along, if any. ``notes`` are sentences for the
    person who imports: what was dropped or looks odd.
    """

    task: Task
    examples: list[Example]
    cases: dict[Split, list[Case]]
    seed: Prompt | None = None
    notes: tuple[str, ...] = ()
