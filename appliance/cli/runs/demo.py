"""``strop demo``: the whole thing once, on the task that is shipped with it."""

from __future__ import annotations

import click

from appliance import locations
from appliance.cli.lookups import find_model, find_task
from appliance.cli.options import (
    catalog,
    example,
    json_option,
    model_option,
    open_store,
)
from appliance.cli.output import Output
from appliance.cli.runs.results import conclude
from appliance.cli.runs.tune import start
from appliance.cli.runs.watching import watch
from appliance.data import tasks
from appliance.data.records import task_in
from appliance.run.messages import Tune
from store import runs
from store import tasks as stored

SEED = 1


@click.command(epilog=example("strop demo", "strop demo --minutes 6"))
@click.option("--minutes", type=float, default=4, show_default=True)
@model_option
@json_option
@click.pass_obj
def demo(out: Output, minutes: float, model: str | None) -> None:
    """Tune a prompt for the sample task. Uses no network.

    Takes more minutes than asked where this machine needs them for a search that means anything.
    """
    name = find_model(out, catalog(), model)
    db = open_store()
    record = find_task(db, tasks.SAMPLE)
    labels = len(task_in(record).task.labels)
    rows = stored.counts(db, record.id).rows
    out.say(f"task {record.name}: which of {labels} relations holds, {rows} sentences")
    run_id, title = start(out, db, Tune(record.name, name, minutes, SEED, stretch=True))
    watch(out, db, run_id, title)
    out.say(f"everything is in {locations.home()}; look again with:")
    out.say(f"  strop runs show {run_id}")
    run = runs.get(db, run_id)
    if run and run.best_prompt not in (None, run.seed_prompt):
        out.say(f"  strop prompt diff {run.seed_prompt} {run.best_prompt}")
    conclude(out, db, run_id, "strop/demo/1")
