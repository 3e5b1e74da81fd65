"""``strop task doubts``: rows whose labels a person should look at again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from appliance.cli.lookups import find_task
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output, columns
from appliance.data.records import task_in
from appliance.data.tasks import every_row
from appliance.errors import InputError
from appliance.run.events import ReadOff
from appliance.run.read import read_off
from appliance.text import quoted
from store import runs

if TYPE_CHECKING:
    from sqlite_utils import Database

SHOWN = 60
"""The characters of a text that are shown."""


@click.command("doubts", epilog=example("strop task doubts tickets", "strop task doubts sample"))
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, metavar="N")
@json_option
@click.pass_obj
def doubts_of(out: Output, name: str, limit: int) -> None:
    """List rows of TASK whose labels the last run that read hidden states doubts most.

    The map that the run fitted contradicts them although it has not seen them. They are rows of the
    tuning and selection splits, never of the test split.
    """
    db = open_store()
    task = find_task(db, name)
    if task_in(task).task.several:
        raise InputError(
            f"rows of {quoted(task.name)} may have several labels, and such labels are not looked "
            "at yet; look at its tuning rows yourself: strop task show"
        )
    if task_in(task).task.protocol == "episodes":
        raise InputError(
            f"episodes of {quoted(task.name)} have labels of their own, and such labels are not "
            "looked at; look at its tuning episodes yourself: strop task show"
        )
    run, found = _last(db, task.id)
    if found is None:
        raise InputError(
            f"no run of {quoted(task.name)} has read hidden states to its end yet; "
            f"tune it with: strop tune {task.name} --readout hidden"
        )
    wanted = {doubt.row: doubt for doubt in found.doubts[:limit]}
    texts = {row.id: row.text for row in every_row(db, task.id) if row.id in wanted}
    listed = [
        {**msgspec.to_builtins(doubt), "text": texts.get(row, "")} for row, doubt in wanted.items()
    ]
    headings = ("row", "label", "rather", "probabilities", "text")
    rows = [
        (
            one["row"],
            one["label"],
            one["rather"],
            f"{one['of_label']:.2f}, {one['probability']:.2f}",
            one["text"][:SHOWN],
        )
        for one in listed
    ]
    document = {"task": task.name, "run": run, "doubtful": len(found.doubts), "rows": listed}
    text = columns(headings, rows) if rows else f"run {run} doubts no label"
    out.result("strop/task-doubts/1", document, text)


def _last(db: Database, task: str) -> tuple[str, ReadOff | None]:
    """The last run of a task that says which labels are doubtful, and what it says."""
    for run in runs.all(db):
        if run.task_id == task and (found := read_off(db, run.id)) and found.separation:
            return run.id, found
    return "", None
