"""The rows of a task whose labels its last run doubts, for a person to look at."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec

from appliance.cli.lookups import find_task
from appliance.cli.options import open_store
from appliance.cli.output import Output, columns
from appliance.data.tasks import every_row, load
from appliance.errors import InputError
from appliance.prompts.loaded import Loaded
from appliance.run.events import ReadOff
from appliance.run.read import read_off
from appliance.search.readouts import unsuited
from appliance.text import quoted
from appliance.verdict.report.flips import asked_about, excerpt
from store import runs

if TYPE_CHECKING:
    from sqlite_utils import Database


def list_doubts(out: Output, name: str, limit: int) -> None:
    """Raises InputError where no label of the task can be doubted, or none was looked at yet."""
    db = open_store()
    task = find_task(db, name)
    loaded = load(db, task.id)
    if why := _undoubted(loaded):
        raise InputError(f"labels of {quoted(task.name)} are not looked at: {why}")
    run, found = _last(db, task.id)
    if found is None or found.separation is None:
        raise InputError(
            f"no run of {quoted(task.name)} has ended with a prompt that reads hidden states yet; "
            f"tune it with: strop tune {shlex.quote(task.name)} --readout hidden"
        )
    surest = found.doubts[:limit]
    wanted = {doubt.row for doubt in surest}
    rows = {row.id: row for row in every_row(db, task.id) if row.id in wanted}
    listed = []
    lines = []
    for doubt in surest:
        row = rows[doubt.row]
        about, shares = asked_about(row), (f"{doubt.of_label:.2f}", f"{doubt.probability:.2f}")
        listed.append({**msgspec.to_builtins(doubt), "about": about, "text": row.text})
        lines.append((row.id, doubt.label, shares[0], doubt.rather, shares[1], about, excerpt(row)))
    looked_at, of = found.separation.n, _may_be_fitted_to(loaded)
    doubtful = max(found.doubtful, len(found.doubts))
    document = {
        "task": task.name,
        "run": run,
        "looked_at": looked_at,
        "of": of,
        "doubtful": doubtful,
        "rows": listed,
    }
    text = f"run {run} looked at {looked_at} of {of} rows outside the test split; "
    text += f"doubtful labels: {doubtful or 'none'}"
    if len(listed) < doubtful:
        text += f"; the {len(listed)} surest doubts:"
    if lines:
        headings = ("row", "its label", "prob.", "rather", "prob.", "about", "text")
        text += f"\n\n{columns(headings, lines)}"
    out.result("strop/task-doubts/1", document, text)


def _undoubted(loaded: Loaded) -> str:
    """Why no label of the task can be doubted; empty where one can."""
    if loaded.task.several:
        return "its rows may have several labels"
    return unsuited(loaded)


def _may_be_fitted_to(loaded: Loaded) -> int:
    """How many rows a run may fit a map to."""
    kept = sum(map(len, loaded.demonstrations.values()))
    return len(loaded.cases["tuning"]) + len(loaded.cases["selection"]) + kept


def _last(db: Database, task: str) -> tuple[str, ReadOff | None]:
    """The last run of a task that says which labels are doubtful, and what it says."""
    for run in runs.all(db):
        if run.task_id == task and (found := read_off(db, run.id)) and found.separation:
            return run.id, found
    return "", None
