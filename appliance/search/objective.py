"""The objective by which the prompts of a task are compared."""

from __future__ import annotations

from appliance.calibrate.objective import Objective, log_shares
from appliance.prompts.loaded import Loaded
from appliance.prompts.render import asked, holds
from appliance.task import Case, Task


def objective_of(loaded: Loaded) -> Objective:
    """The task's metric, with the shares of labels and of positive cases among its tuning rows.
    Rows that are set aside as demonstrations count: without them every label has fewer rows."""
    task = loaded.task
    labels = tuple(label.name for label in task.labels)
    kept = loaded.demonstrations.values()
    shown = [Case(loaded.rows[row], labels) for ids in kept for row in ids]
    cases = [*loaded.cases["tuning"], *shown]
    shares = log_shares(cases) if task.protocol == "fixed" else ()
    none = labels.index(task.none) if shares and task.none in labels else -1
    positive = sum(is_positive(task, case) for case in cases) / len(cases)
    return Objective(task.metric, shares, positive if task.metric == "micro_f1" else None, none)


def is_positive(task: Task, case: Case) -> bool:
    """Whether a case has something to find."""
    return any(holds(label, case.query) for label in asked(task, case))
