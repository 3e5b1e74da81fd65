"""Which prompt answers, and which model: what a run, a prompt, a task or a file stands for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.cli.lookups import find_model, find_task, model_of, unknown
from appliance.cli.options import catalog
from appliance.cli.output import Output
from appliance.cli.prompt_files import check_fitted, prompt_given
from appliance.data.records import judged_prompt, prompt_in, read
from appliance.errors import InputError
from appliance.prompts.prompt import Prompt
from appliance.run.messages import Inputs
from appliance.text import quoted
from appliance.verdict.verdict import Verdict
from store import prompts, runs, tasks, verdicts
from store.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

    from store.records import RunRecord, TaskRecord


class Tuned(msgspec.Struct, frozen=True):
    """A prompt with the id of its task and the name of its model; ``identity`` is that of the
    serving body that it was tuned for, where a run says so."""

    prompt: Prompt
    task: str
    model: str
    identity: str | None = None


def tuned(
    out: Output, db: Database, given: str | None, task: str | None, model: str | None
) -> Tuned:
    """The prompt that is ``given`` as a run, a prompt, a task or a file, else that of the last run
    with a verdict, of the ``task`` if the person names one. ``task`` and ``model`` are what the
    person says of the prompt.

    Raises InputError where there is none, where a file does not say its task, and where the prompt
    was fitted to other labels than the task's.
    """
    if given is not None and Path(given).suffix == ".json":
        if task is None:
            raise InputError(f"{given} does not say what it was written for: give --task NAME")
        record = find_task(db, task)
        prompt = prompt_given(db, given, record)
        return Tuned(prompt, record.id, model_of(out, catalog(), model, [prompt]))
    asked = None if task is None else find_task(db, task)
    run = _run(db, given, asked)
    if run is None:
        prompt = _prompt(db, given or "")
        of_task = asked.id if asked else _only_task_of(db, prompt.id)
        run = next(
            (r for r in runs.all(db) if (r.best_prompt, r.task_id) == (prompt.id, of_task)), None
        )
    else:
        prompt = judged_prompt(db, run.best_prompt or "")
        of_task = asked.id if asked else run.task_id
    if asked:
        check_fitted(db, prompt, asked)
    if run is None:
        return Tuned(prompt, of_task, model_of(out, catalog(), model, [prompt]))
    inputs = read(run.inputs, Inputs, f"run {run.id}")
    out.say(f"prompt {prompt.id} of run {run.id}{_judged(db, run)}")
    if model not in (None, inputs.model):
        out.say(f"note: it was tuned for {inputs.model}, and nothing measured it with {model}")
        return Tuned(prompt, of_task, find_model(out, catalog(), model))
    used = find_model(out, catalog(), inputs.model)
    serving = inputs.bodies.get("serving")
    return Tuned(prompt, of_task, used, serving.identity if serving else None)


def _prompt(db: Database, given: str) -> Prompt:
    try:
        record = prompts.get(db, given)
        if record is None:
            runs.get(db, given)
    except StoreError as error:  # Several prompts or runs begin so.
        raise InputError(str(error)) from error
    if record is None:
        known = [*(task.name for task in tasks.all(db)), *(run.id for run in runs.all(db))]
        raise unknown("run, prompt or task", given, known, "see them with: strop runs list")
    return prompt_in(record)


def _only_task_of(db: Database, prompt: str) -> str:
    """The task of a prompt. Raises InputError where several tasks have it."""
    found = prompts.tasks_of(db, prompt)
    if len(found) > 1:
        raise InputError(f"prompt {prompt} belongs to {len(found)} tasks: give --task NAME")
    return found[0]


def _run(db: Database, given: str | None, asked: TaskRecord | None) -> RunRecord | None:
    """The run that is meant, of the task that is ``asked`` where no other is given; None where a
    prompt is meant."""
    task = asked if given is None else tasks.get(db, given)
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
