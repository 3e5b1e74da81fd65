"""The formats that a firm's own runs found to work, which its later runs try first."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.data.records import judged_prompt, task_in
from appliance.errors import DamagedError, InputError, PromptError
from appliance.kinds import Kind
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Readout
from appliance.prompts.validate import check_suits
from appliance.search.portfolio import Format, portfolio
from appliance.search.portfolio.own import format_of
from store import experience, tasks, verdicts
from store.records import WinnerRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST = 3
"""More of them would leave a short run nothing else to try."""


def learnt(
    db: Database, loaded: Loaded, model: str, readouts: Sequence[Readout]
) -> tuple[Format, ...]:
    """Those of the newest prompts that were proven better on the model, suit the task and have one
    of the ``readouts``. What was proven on test rows of this task, under whatever name, is left
    out: choosing by it would be choosing by these rows. So is what is damaged in the store."""
    same = {loaded.id, *verdicts.sharing(db, loaded.id)}
    found: dict[Format, None] = {}
    for winner in experience.winners(db, model):
        if winner.task_id in same:
            continue
        with suppress(DamagedError):
            own = _format_of(db, winner, loaded.task.kind)
            if own and own.readout in readouts and _suits(own, loaded):
                found.setdefault(own)
        if len(found) == MOST:
            break
    return tuple(found)


def _format_of(db: Database, winner: WinnerRecord, kind: Kind) -> Format | None:
    record = tasks.get(db, winner.task_id)
    task = task_in(record).task if record else None
    if task is None or task.kind != kind:
        return None
    return format_of(judged_prompt(db, winner.prompt_id), kind, len(task.labels))


def _suits(each: Format, loaded: Loaded) -> bool:
    if each not in portfolio(loaded.task, loaded.seed, [each], loaded.lettered):
        return False
    try:
        check_suits(each.prompt(loaded.demonstrations), loaded)
    except (InputError, PromptError):
        return False
    return True
