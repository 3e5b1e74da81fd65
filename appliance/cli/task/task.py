"""``strop task``: imports, lists, shows and removes tasks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.lookups import find_task
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output, columns
from appliance.cli.removing import confirm
from appliance.cli.task.doubts import doubts_of
from appliance.cli.task.imports import import_task
from appliance.cli.task.text import described, text
from appliance.data.records import task_in
from appliance.errors import DamagedError, InputError
from appliance.prompts import show
from appliance.run.read import being_planned
from appliance.run.states import AT_WORK
from appliance.text import quoted
from store import runs, verdicts
from store import tasks as stored
from store.forget import forget, was_forgotten
from store.records import RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database


@click.group(epilog=example("strop task list"))
def task() -> None:
    """Import tasks and look at them."""


task.add_command(import_task)
task.add_command(doubts_of)


@task.command("list", epilog=example("strop task list"))
@json_option
@click.pass_obj
def list_tasks(out: Output) -> None:
    """List the tasks, oldest first."""
    db = open_store()
    found = []
    for record in stored.all(db):
        try:
            found.append(described(db, record))
        except DamagedError as error:
            out.say(f"left out: {error}")
    headings = ("task", "id", "kind", "protocol", "labels", "rows", "tuning/selection/test")
    rows = [_row(task) for task in found]
    if not stored.all(db):
        out.say("no task yet; import one with: strop task import jsonl FILE")
    out.result("strop/task-list/1", {"tasks": found}, columns(headings, rows) if rows else "")


@task.command("show", epilog=example("strop task show sample", "strop task show sample --skipped"))
@click.argument("name")
@click.option("--skipped", is_flag=True, help="Also list the rows of the file that were skipped.")
@json_option
@click.pass_obj
def show_task(out: Output, name: str, skipped: bool) -> None:
    """Show a task: its labels, its splits and the prompt that it starts from."""
    db = open_store()
    record = find_task(db, name)
    found = described(db, record)
    seed = task_in(record).seed
    document = {**found, "seed_prompt": seed.id, "seed_text": show.plain(seed)}
    parts = [text(found, listed=skipped), "", f"seed prompt {seed.id}", show.plain(seed).rstrip()]
    if skipped:
        rows = list(stored.skipped(db, record.id))
        document["skipped_rows"] = rows
        parts += ["", f"skipped rows: {len(rows)}", *(f"  {row.place}: {row.what}" for row in rows)]
    out.result("strop/task-show/1", document, "\n".join(parts))


@task.command("remove", epilog=example("strop task remove notes", "strop task remove notes --yes"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def remove_task(out: Output, name: str, yes: bool) -> None:
    """Delete a task with its rows, runs, prompts and verdicts; asks first.

    Their bytes are overwritten in the data folder's database; the audit log keeps the ids.
    """
    db = open_store()
    if was_forgotten(db, name):
        forget(db, name)
        out.result("strop/task-remove/1", {"id": name}, f"the bytes of task {name} are gone")
        return
    record = find_task(db, name)
    of_task = [run for run in runs.all(db) if run.task_id == record.id]
    _refuse_busy(db, record.name, of_task)
    rows, ran = stored.counts(db, record.id).rows, len(of_task)
    for other in verdicts.sharing(db, record.id):
        name = find_task(db, other).name
        remedy = f"strop task remove {shlex.quote(name)}"
        out.say(
            f"note: task {name} has some of the same test rows and stays; to remove it: {remedy}"
        )
    asked = f"remove task {record.name}: its {rows} rows and all that came of its {ran} runs?"
    confirm(f"task {record.name}", asked, yes=yes)
    forget(db, record.id)
    body = {"task": record.name, "id": record.id, "rows": rows, "runs": ran}
    out.result("strop/task-remove/1", body, f"removed task {record.name}")


def _refuse_busy(db: Database, name: str, of_task: Sequence[RunRecord]) -> None:
    """Raises InputError where a run of the task is queued, running or being planned."""
    if busy := [run.id for run in of_task if run.status in AT_WORK]:
        run = busy[0]
        what = f"run {run} of {quoted(name)} is not over; end it first: strop runs stop {run}"
        raise InputError(what)
    if name in being_planned(db):
        raise InputError(f"a run of {quoted(name)} is being planned; wait until it is there")


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    sizes = "/".join(str(n) for n in found["cases"].values())
    names = (found["task"], found["id"], found["kind"], found["protocol"])
    return (*names, str(len(found["labels"])), str(found["rows"]), sizes)
