"""Which cases are alike, so that their results have to be weighed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from appliance.task import Case, Task

Unit = Literal["case", "group", "relation", "query"]


def belonging(cases: Sequence[Case], task: Task) -> tuple[Unit, list[str]]:
    """Returns what makes cases alike beyond their text, and the cluster of each case.

    Episodes are alike by their queries' relation, since a user will ask for other relations. Where
    most queries have none of the relations, too few are left to say anything of other ones: there
    the episodes of one query are alike, and the verdict holds for these relations. Rows are alike
    by the group that they were given.
    """
    if task.protocol == "episodes" and task.metric == "accuracy":
        return "relation", [case.query.label for case in cases]
    if task.protocol == "episodes":
        return "query", [case.query.id for case in cases]
    if any(case.query.group for case in cases):
        return "group", [case.query.group or case.id for case in cases]
    return "case", []
