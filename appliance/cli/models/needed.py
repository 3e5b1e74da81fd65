"""Whether a model may be removed now: not while a run or a command needs it."""

from __future__ import annotations

from appliance import locations
from appliance.cli.options import open_store
from appliance.errors import InputError
from appliance.run.read import all_runs, commands_with
from appliance.run.states import allows


def refuse_needed(name: str) -> None:
    """Raises InputError where a run that is queued, running or paused, or a command that is not
    answered yet, needs the model."""
    if not locations.store_path().exists():
        return
    db = open_store()
    for run in all_runs(db)[0]:
        needs = name in (run.inputs.model, run.inputs.reasoner)
        if needs and allows(run.record.status, "stop"):
            raise InputError(
                f"run {run.id} is {run.record.status} and needs {name}; end it first: "
                f"strop runs stop {run.id}"
            )
    if kinds := commands_with(db, name):
        raise InputError(f"{name} is at work for a {kinds[0]}; wait until it has ended")
