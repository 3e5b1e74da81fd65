"""How a run came out: the document, the words, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli import exits, figures
from appliance.cli.output import Output
from appliance.errors import DamagedError
from appliance.run.client import runner_is_alive
from appliance.run.events import GivenVerdict
from appliance.run.read import Run, metric_of, prompt_text, run_of
from appliance.run.states import allows, is_final
from store import runs
from store.records import RunRecord

if TYPE_CHECKING:
    from sqlite_utils import Database

CODES = {
    "finished": exits.OK,
    "failed": exits.FAILED,
    "paused": exits.RETRY,
    "stopped": exits.RETRY,
}


def describe(db: Database, run: Run) -> dict[str, Any]:
    """A run as the JSON documents show it."""
    record, inputs = run.record, run.inputs
    return {
        "run": run.id,
        "task": run.task,
        "metric": metric_of(db, run),
        "model": inputs.model,
        "seed": inputs.seed,
        "minutes": inputs.minutes,
        "candidates": inputs.candidates,
        "status": record.status,
        "stage": record.stage,
        "error": record.error,
        "spent": record.spent,
        "budget": record.budget,
        "seed_prompt": record.seed_prompt,
        "best_prompt": record.best_prompt,
        "verdict": _verdict(run.verdict) if run.verdict else None,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
    }


def document(out: Output, db: Database, run: Run) -> dict[str, Any]:
    """A run as ``describe`` gives it, with its plan and the best prompt as a person reads it. One
    that was altered is left out, and said to be."""
    best = run.record.best_prompt
    try:
        text = prompt_text(db, best) if best else None
    except DamagedError as error:
        text = None
        out.say(f"left out: {error}")
    return {**describe(db, run), "prompt_text": text, "plan": run.inputs.plan}


def say_abandoned(out: Output, found: Sequence[RunRecord]) -> None:
    """Says which runs nobody works on though their status, read just before, is not final."""
    if runner_is_alive():
        return
    for run in found:
        if not is_final(run.status):
            out.say(
                f"run {run.id} is {run.status}, but no runner is alive; "
                f"go on with: strop tune --resume {run.id}"
            )


def _verdict(given: GivenVerdict) -> dict[str, Any]:
    """The verdict without its single answers, which ``strop verdict`` shows."""
    body = msgspec.structs.asdict(given)
    del body["answers"]
    return body


def conclude(
    out: Output, db: Database, run_id: str, schema: str, require_gain: bool = False
) -> None:
    """Prints how the run came out and leaves with the code for it: the verdict is narration, the
    best prompt is data."""
    record = runs.get(db, run_id)
    assert record is not None
    run = run_of(db, record)
    found = document(out, db, run)
    has_failed = record.status == "failed"
    out.result(schema, found, "" if has_failed else _narrated(out, run, found["prompt_text"]))
    code = CODES.get(record.status, exits.FAILED)
    if record.status != "finished":
        error = f": {record.error}" if record.error else ""
        out.say(f"run {run.id} is {record.status}{error}")
        if allows(record.status, "resume"):
            out.say(f"go on with: strop tune --resume {run.id}")
    elif require_gain and not (run.verdict and run.verdict.better):
        out.say("error: a gain was required and is not proven")
        code = exits.NO_GAIN
    click.get_current_context().exit(code)


def _narrated(out: Output, run: Run, prompt: str | None) -> str:
    """Says the verdict, where there is one, and returns the prompt."""
    if run.verdict:
        out.say(figures.judged(run.verdict, run.verdict.look))
    return prompt or ""
