"""A task with all that a prompt is rendered from, wherever it was loaded from."""

from __future__ import annotations

import msgspec

from appliance.prompts.options import all_listed
from appliance.prompts.prompt import Prompt
from appliance.task import Case, Example, Split, Task


class Loaded(msgspec.Struct, frozen=True):
    """A task with its cases, the rows that they use by id, and the prompt that tuning starts from.

    ``demonstrations`` holds, by label, the ids of the rows that may stand in a prompt. They are not
    among the tuning cases.
    """

    id: str
    split_hash: str
    task: Task
    seed: Prompt
    rows: dict[str, Example]
    cases: dict[Split, list[Case]]
    demonstrations: dict[str, tuple[str, ...]]

    @property
    def lettered(self) -> bool:
        """Whether the texts that a search may read all list their options by letter."""
        cases = (*self.cases["tuning"], *self.cases["selection"])
        kept = (self.rows[row] for rows in self.demonstrations.values() for row in rows)
        return all_listed((*(case.query for case in cases), *kept))
