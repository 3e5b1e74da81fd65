"""``strop runs``: what was tuned, what is being tuned, and how to step in."""

from __future__ import annotations

import click

from appliance.cli import figures
from appliance.cli.ask import ask
from appliance.cli.lookups import find_run
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output, columns
from appliance.cli.runs.results import (
    conclude,
    describe,
    document,
    say_abandoned,
)
from appliance.cli.runs.watching import watch
from appliance.run.client import runner_is_alive
from appliance.run.messages import Command, Finish, Obeyed, Pause, Stop, kind_of
from appliance.run.read import Run, all_runs, being_planned, last_event, run_of, rungs_of
from appliance.run.states import is_final
from appliance.statistics.metrics import NAMES, searched_by
from appliance.text import quoted
from store import runs as stored

LAST = 10


@click.group(epilog=example("strop runs list"))
def runs() -> None:
    """List, show, follow and steer runs."""


@runs.command("list", epilog=example("strop runs list", "strop runs list --json"))
@json_option
@click.pass_obj
def list_runs(out: Output) -> None:
    """List the runs, newest first."""
    db = open_store()
    runs, damage = all_runs(db)
    headings = ("run", "task", "model", "status", "stage", "cost", "verdict", "created")
    rows = [_row(run) for run in runs]
    text = columns(headings, rows) if rows else ""
    for problem in damage:
        out.say(f"left out: {problem}")
    if not rows and not damage:
        out.say("no run yet; start one with: strop demo")
    planned = "is being planned" if runner_is_alive() else "waits to be planned: no runner is alive"
    for task in sorted(being_planned(db)):
        out.say(f"a run of {quoted(task)} {planned}")
    say_abandoned(out, [run.record for run in runs])
    out.result("strop/runs-list/1", {"runs": [describe(db, run) for run in runs]}, text)


@runs.command("show", epilog=example("strop runs show 3f2a"))
@click.argument("run")
@json_option
@click.pass_obj
def show_run(out: Output, run: str) -> None:
    """Show one run: what it was given, what it tried and how it came out."""
    db = open_store()
    record = find_run(db, run)
    shown = run_of(db, record)
    found = document(out, db, shown)
    evaluations = stored.evaluations(db, record.id)
    given = ("run", "task", "model", "seed", "minutes", "candidates")
    fields = (*given, "status", "stage", "error", "created_at")
    lines = [f"{name:<11} {found[name]}" for name in fields if found[name] is not None]
    spent, budget = (figures.duration(units / 1000) for units in (record.spent, record.budget))
    lines.append(
        f"{'cost':<11} {spent} at frozen prices, the verdict included (budget without it {budget})"
    )
    if shown.verdict:
        lines += ["", figures.judged(shown.verdict, shown.verdict.look)]
    if evaluations:
        last = evaluations[-LAST:]
        rows = [
            (
                e.prompt_id,
                e.stage,
                e.split,
                figures.estimate(e.value, e.low, e.high, e.n),
                f"{e.loss:.3f}",
            )
            for e in last
        ]
        metric = found["metric"]
        measure = NAMES[searched_by(metric)] if metric else "score"
        lines += ["", f"the last {len(last)} of {len(evaluations)} evaluations"]
        lines.append(columns(("prompt", "stage", "split", measure, "loss"), rows))
    rungs = rungs_of(db, record.id)
    if rungs:
        took = [(str(r.cases), str(r.candidates), f"{r.tokens:,.0f}") for r in rungs]
        lines += ["", "what a candidate of the search took"]
        lines.append(columns(("up to case", "candidates", "tokens each"), took))
    if found["prompt_text"]:
        lines += ["", f"best prompt {record.best_prompt}", found["prompt_text"]]
    say_abandoned(out, [record])
    body = {**found, "inputs": shown.inputs, "evaluations": evaluations, "rungs": rungs}
    out.result("strop/runs-show/1", body, "\n".join(lines))


@runs.command("watch", epilog=example("strop runs watch 3f2a"))
@click.argument("run")
@json_option
@click.pass_obj
def watch_run(out: Output, run: str) -> None:
    """Follow a run to its end. Ctrl-C leaves it going."""
    db = open_store()
    after = last_event(db)  # read before the status, so that no event after it is missed
    record = find_run(db, run)
    if not is_final(record.status):
        watch(out, db, record.id, f"run {record.id}", after)
    conclude(out, db, record.id, "strop/runs-watch/1")


def _steer(command: Command[Obeyed], message: str) -> click.Command:
    kind = kind_of(command)

    @click.argument("run")
    @json_option
    @click.pass_obj
    def steer(out: Output, run: str) -> None:
        db = open_store()
        run_id = find_run(db, run).id
        ask(out, db, command, run_id)
        out.say(message.format(run=run_id))
        record = stored.get(db, run_id)
        status = record.status if record else None
        out.result(f"strop/runs-{kind}/1", {"run": run_id, "status": status}, "")

    steer.__doc__ = _HELP[kind]
    return runs.command(kind, epilog=example(f"strop runs {kind} 3f2a"))(steer)


_HELP = {
    "pause": "Pause a run; what it has done is kept.",
    "stop": "Stop a run without a verdict; what it has done is kept.",
    "finish": "End the search now and go to the verdict with the best prompt so far.",
}

_steer(Pause(), "run {run} pauses; go on with: strop tune --resume {run}")
_steer(Stop(), "run {run} stops")
_steer(Finish(), "run {run} goes to its verdict; follow it with: strop runs watch {run}")


def _row(run: Run) -> tuple[str, ...]:
    record, words = run.record, run.verdict.words if run.verdict else ""
    named = (run.id, run.task, run.inputs.model, record.status, record.stage)
    return (*named, figures.duration(record.spent / 1000), words, record.created_at[:16])
