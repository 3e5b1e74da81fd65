"""Which prompt answers, and which model: what a person means by a run, a prompt or a task."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.cli.lookups import find_model, find_prompt, find_run, find_task
from appliance.cli.options import catalog
from appliance.cli.output import Output
from appliance.cli.prompt_files import prompts_given
from appliance.errors import InputError
from appliance.prompts.prompt import Prompt
from appliance.run.messages import Inputs
from appliance.text import quoted
from appliance.verdict.verdict import Verdict
from store import prompts, runs, tasks, verdicts
from store.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from store.records import RunRecord


class Tuned(msgspec.Struct, frozen=True):
    """A prompt with the ids of its task and the name of its model."""

    prompt: Prompt
    task: str
    model: str


def tuned(
    out: Output, db: Database, given: str | None, task: str | None, model: str | None
) -> Tuned:
    """The prompt that is ``given`` as a run, a prompt, a task or a file, else that of the last run
    with a verdict. ``task`` and ``model`` are what the person says of them.

    Raises InputError where there is none, or where a file does not say its task.
    """
    if given is not None and Path(given).suffix == ".json":
        if task is None:
            raise InputError(f"{given} does not say what it was written for: give --task NAME")
        [prompt] = prompts_given(db, [given]).values()
        return Tuned(prompt, find_task(db, task).id, find_model(out, catalog(), model))
    run = _run(db, given)
    record = find_prompt(db, given) if run is None and given is not None else None
    if record is not None:
        run = next((one for one in runs.all(db) if one.best_prompt == record.id), None)
    if run is not None:
        used = msgspec.json.decode(run.inputs, type=Inputs).model
        if model not in (None, used):
            out.say(f"note: the prompt was tuned for {used}; {model} has not been measured with it")
        best = prompts.get(db, run.best_prompt or "")
        assert best is not None
        prompt, of_task = msgspec.json.decode(best.content, type=Prompt), run.task_id
        model = model or used
        out.say(f"prompt {prompt.id} of run {run.id}{_judged(db, run)}")
    else:
        assert record is not None
        prompt, of_task = msgspec.json.decode(record.content, type=Prompt), record.task_id
    of_task = of_task if task is None else find_task(db, task).id
    return Tuned(prompt, of_task, find_model(out, catalog(), model))


def _run(db: Database, given: str | None) -> RunRecord | None:
    """The run that is meant, None where a prompt is."""
    every = [run for run in runs.all(db) if run.best_prompt and verdicts.get(db, run.id)]
    if given is None or (record := tasks.get(db, given)) is not None:
        of_task = "" if given is None else f" of {quoted(given)}"
        for run in every:
            if given is None or run.task_id == record.id:  # type: ignore[union-attr]
                return run
        raise InputError(f"no run{of_task} has a verdict yet; tune one with: strop tune TASK")
    with suppress(StoreError):
        if runs.get(db, given):
            run = find_run(db, given)
            if run not in every:
                raise InputError(f"run {run.id} has no verdict yet; see: strop runs show {run.id}")
            return run
    return None


def _judged(db: Database, run: RunRecord) -> str:
    record = verdicts.get(db, run.id)
    found = record and msgspec.json.decode(record.content, type=Verdict)
    return f", {found.words}" if found else ""
