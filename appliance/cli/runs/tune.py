"""``strop tune``: a better prompt for a task, with an honest verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from appliance.cli.ask import ask
from appliance.cli.lookups import find_model, find_run, find_task
from appliance.cli.options import (
    catalog,
    example,
    json_option,
    model_option,
    open_store,
)
from appliance.cli.output import Output
from appliance.cli.prompt_files import prompt_given
from appliance.cli.runs.results import conclude, document
from appliance.cli.runs.watching import watch
from appliance.run.amounts import check_amounts
from appliance.run.messages import Resume, Tune
from appliance.run.read import Run, all_runs, last_event, run_of
from appliance.run.states import is_final
from store import runs

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.prompts.prompt import Readout

SCHEMA = "strop/tune/1"
FROZEN = ("minutes", "candidates", "seed", "model", "reasoner", "prompt", "readout")
"""Options of a new run, which a resumed run cannot change."""


@click.command(
    epilog=example(
        "strop tune sample --minutes 10 --seed 1",
        "strop tune sample --minutes 30 --require-gain --json > result.json",
        "strop tune contracts --prompt mine.json",
        "strop tune contracts --minutes 120 --candidates 60",
        "strop tune --resume 3f2a",
    )
)
@click.argument("task", required=False)
@click.option("--resume", metavar="RUN", help="Go on with a run instead of starting one.")
@click.option("--minutes", type=float, default=10, show_default=True)
@click.option("--candidates", type=int, metavar="N", help="End the search after N at the latest.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@model_option
@click.option("--reasoner", metavar="NAME", help="Model that writes candidates; else the target.")
@click.option(
    "--prompt", metavar="PROMPT", help="Begin with this one (id or .json), not with the task's."
)
@click.option(
    "--readout",
    type=click.Choice(["auto", "hidden", "words"]),
    default="auto",
    show_default=True,
    help="How labels are read: off the model's hidden state, by their words, or (auto) by "
    "whichever does better on your tuning rows.",
)
@click.option("--require-gain", is_flag=True, help="Exit with 4 unless the verdict says better.")
@click.option("--detach", is_flag=True, help="Do not follow the run once it is planned.")
@json_option
@click.pass_context
def tune(
    context: click.Context,
    task: str | None,
    resume: str | None,
    minutes: float,
    candidates: int | None,
    seed: int,
    model: str | None,
    reasoner: str | None,
    prompt: str | None,
    readout: str,
    require_gain: bool,
    detach: bool,
) -> None:
    """Tune a prompt for TASK and follow the run to its verdict.

    What the run will do is shown before it starts. Ctrl-C leaves the run going. The verdict goes to
    stderr, the best prompt to stdout.
    """
    if (task is None) == (resume is None):
        raise click.UsageError("name a task, or a run with --resume")
    out: Output = context.obj
    if resume is not None and (given := [f"--{name}" for name in FROZEN if _given(context, name)]):
        raise click.UsageError(
            f"a run goes on as it was started: leave out {', '.join(given)}, or start a new run"
        )
    db = open_store()
    if resume is not None:
        after = last_event(db)
        run_id = ask(out, db, Resume(), find_run(db, resume).id).run
        title = f"run {run_id}, resumed"
    else:
        assert task is not None
        after = 0
        of_task = find_task(db, task)
        known = of_task.name
        begin = prompt_given(db, prompt, of_task) if prompt else None
        name = find_model(out, catalog(), model)
        other = find_model(out, catalog(), reasoner) if reasoner else None
        asked = Tune(
            known,
            name,
            minutes,
            seed,
            other,
            begin,
            candidates=candidates,
            readout=None if readout == "auto" else cast("Readout", readout),
        )
        run_id, title = start(out, db, asked)
    if detach:
        _left_alone(out, db, run_id)
        return
    watch(out, db, run_id, title, after)
    conclude(out, db, run_id, SCHEMA, require_gain)


def start(out: Output, db: Database, asked: Tune) -> tuple[str, str]:
    """Has the runner plan and create a run, and returns its id and a title. Raises the error with
    which the runner refuses, at once where the amounts make no run."""
    check_amounts(asked)
    for run in all_runs(db)[0]:
        if not is_final(status := run.record.status):
            stop = f"strop runs stop {run.id}"
            out.say(f"run {run.id} is {status} and goes first; to stop it: {stop}")
    out.say(f"planning {asked.minutes:g} min on {asked.task} with {asked.model}")
    run_id = ask(out, db, asked).run
    minutes = _created(db, run_id).inputs.minutes
    most = f", {asked.candidates} candidates" if asked.candidates else ""
    return run_id, (
        f"run {run_id}: {asked.task}, {asked.model}, {minutes:g} min{most}, seed {asked.seed}"
    )


def _created(db: Database, run_id: str) -> Run:
    record = runs.get(db, run_id)
    assert record is not None
    return run_of(db, record)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


def _left_alone(out: Output, db: Database, run_id: str) -> None:
    run = _created(db, run_id)
    out.say(run.inputs.plan["text"])
    out.say(f"follow it with: strop runs watch {run_id}")
    out.result(SCHEMA, document(out, db, run), run_id)
