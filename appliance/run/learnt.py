"""The formats that a firm's own runs found to work, which its later runs try first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.data.records import judged_prompt, task_in
from appliance.errors import InputError, PromptError
from appliance.prompts.loaded import Loaded
from appliance.prompts.validate import check_suits
from appliance.search.portfolio import Format, format_of
from store import experience, tasks, verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST = 3
"""More of them would leave a short run nothing else to try."""


def learnt(db: Database, loaded: Loaded, model: str) -> tuple[Format, ...]:
    """Those of the newest prompts that were proven better on the model and suit the task. What was
    proven on test rows of this task, under whatever name, is left out: choosing by it would be
    choosing by these rows."""
    same = {loaded.id, *verdicts.sharing(db, loaded.id)}
    found: dict[Format, None] = {}
    for winner in experience.winners(db, model):
        record = tasks.get(db, winner.task_id)
        if winner.task_id in same or record is None:
            continue
        task = task_in(record).task
        prompt = judged_prompt(db, winner.prompt_id)
        each = format_of(prompt, task.kind, len(task.labels))
        if task.kind == loaded.task.kind and _suits(each, loaded):
            found.setdefault(each)
    return tuple(found)[:MOST]


def _suits(each: Format, loaded: Loaded) -> bool:
    try:
        check_suits(each.prompt(loaded.demonstrations), loaded)
    except (InputError, PromptError):
        return False
    return True
