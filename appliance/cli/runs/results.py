"""How a run came out: the document, the words, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli import exits, figures
from appliance.cli.output import Output
from appliance.cli.watching import prompt_text
from appliance.data.tasks import Stored
from appliance.run.client import FINAL, runner_is_alive
from store import events, runs, tasks, verdicts
from store.records import RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

CODES = {
    "finished": exits.OK,
    "failed": exits.FAILED,
    "refused": exits.USAGE,
    "paused": exits.RETRY,
    "stopped": exits.RETRY,
}


def describe(db: Database, run: RunRecord) -> dict[str, Any]:
    """A run as the windows' documents have it."""
    inputs = msgspec.json.decode(run.inputs)
    task = tasks.get(db, run.task_id)
    return {
        "run": run.id,
        "task": task.name if task else run.task_id,
        "metric": msgspec.json.decode(task.body, type=Stored).task.metric if task else None,
        "model": inputs.get("model"),
        "seed": inputs.get("seed"),
        "minutes": inputs.get("minutes"),
        "status": run.status,
        "stage": run.stage,
        "error": run.error,
        "spent": run.spent,
        "budget": run.budget,
        "seed_prompt": run.seed_prompt,
        "best_prompt": run.best_prompt,
        "verdict": _verdict(db, run),
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def document(db: Database, run: RunRecord) -> dict[str, Any]:
    """``describe`` with the plan and the best prompt as a person reads it."""
    best = run.best_prompt
    text = prompt_text(db, best) if best else None
    return {**describe(db, run), "prompt_text": text, "plan": plan(db, run.id)}


def say_abandoned(out: Output, found: Sequence[RunRecord]) -> None:
    """Says which of the runs, just read, nobody works on although their status says otherwise."""
    if runner_is_alive():
        return
    for run in found:
        if run.status not in FINAL:
            out.say(
                f"run {run.id} is {run.status}, but no runner is alive; "
                f"go on with: strop tune --resume {run.id}"
            )


def plan(db: Database, run_id: str) -> dict[str, Any] | None:
    """What the runner said it would do, the last time it said so."""
    found = None
    for event in events.since(db, 0, run_id):
        if event.kind == "plan":
            found = msgspec.json.decode(event.body)
    return found


def _verdict(db: Database, run: RunRecord) -> dict[str, Any] | None:
    """With the number of its look at the task's test split."""
    record = verdicts.get(db, run.id)
    if record is None:
        return None
    looks = (look.number for look in verdicts.looks(db, run.task_id) if look.run_id == run.id)
    body = msgspec.json.decode(record.body)
    body.pop("answers", None)  # `strop verdict` shows them
    return {**body, "look": next(looks, None)}


def conclude(
    out: Output, db: Database, run_id: str, schema: str, require_gain: bool = False
) -> None:
    """Prints how the run came out and leaves with the code for it: the verdict is narration, the
    best prompt is data."""
    run = runs.get(db, run_id)
    assert run is not None
    found = document(db, run)
    out.result(schema, found, "" if run.status in ("failed", "refused") else _narrated(out, found))
    code = CODES.get(run.status, exits.FAILED)
    if run.status != "finished":
        error = f": {run.error}" if run.error else ""
        out.say(f"run {run.id} is {run.status}{error}")
        if run.status in ("paused", "stopped", "failed"):
            out.say(f"go on with: strop tune --resume {run.id}")
    elif require_gain and not (found["verdict"] or {}).get("better"):
        out.say("error: a gain was required and is not proven")
        code = exits.NO_GAIN
    click.get_current_context().exit(code)


def _narrated(out: Output, found: dict[str, Any]) -> str:
    """Says the verdict, where there is one, and returns the prompt."""
    if found["verdict"]:
        out.say(figures.verdict(found["verdict"]))
    return found["prompt_text"] or ""
