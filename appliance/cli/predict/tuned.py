"""Which prompt answers, and which model: what a run, a prompt, a task or a file stands for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.cli.lookups import find_model, find_prompt, find_task
from appliance.cli.options import catalog
from appliance.cli.output import Output
from appliance.cli.prompt_files import prompts_given
from appliance.data.records import judged_prompt, prompt_in, read
from appliance.errors import InputError
from appliance.prompts.prompt import Prompt
from appliance.run.messages import Inputs
from appliance.text import quoted
from appliance.verdict.verdict import Verdict
from store import runs, tasks, verdicts
from store.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from store.records import RunRecord


class Tuned(msgspec.Struct, frozen=True):
    """A prompt with the id of its task and the name of its model."""

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
    if run is None:
        record = find_prompt(db, given or "")
        prompt, of_task = prompt_in(record), record.task_id
        run = next((one for one in runs.all(db) if one.best_prompt == prompt.id), None)
    else:
        prompt, of_task = judged_prompt(db, run.best_prompt or ""), run.task_id
    if run is not None:
        used = read(run.inputs, Inputs, f"run {run.id}").model
        if model not in (None, used):
            out.say(f"note: the prompt was tuned for {used}, and nothing measured it with {model}")
        model = model or used
        out.say(f"prompt {prompt.id} of run {run.id}{_judged(db, run)}")
    of_task = of_task if task is None else find_task(db, task).id
    return Tuned(prompt, of_task, find_model(out, catalog(), model))


def _run(db: Database, given: str | None) -> RunRecord | None:
    """The run that is meant; None where a prompt is."""
    task = None if given is None else tasks.get(db, given)
    if given is None or task is not None:
        for run in runs.all(db):
            if (task is None or run.task_id == task.id) and verdicts.get(db, run.id):
                return run
        of_task = "" if task is None else f" of {quoted(task.name)}"
        raise InputError(f"no run{of_task} has a verdict yet; tune one with: strop tune TASK")
    with suppress(StoreError):  # Several runs begin so; one prompt may.
        if (found := runs.get(db, given)) is not None and verdicts.get(db, found.id) is None:
            raise InputError(f"run {found.id} has no verdict yet; see: strop runs show {found.id}")
        return found
    return None


def _judged(db: Database, run: RunRecord) -> str:
    record = verdicts.get(db, run.id)
    return f", {read(record.content, Verdict, f'run {run.id}').words}" if record else ""
