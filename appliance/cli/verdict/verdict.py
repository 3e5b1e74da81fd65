"""``strop verdict``: shows a run's verdict in the terminal, or writes it as a page to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli.lookups import find_run
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output
from appliance.cli.verdict.text import text
from appliance.data.records import damaged, judged_prompt
from appliance.data.tasks import every_row, load
from appliance.errors import InputError
from appliance.run.read import read_off, run_of
from appliance.text import printable
from appliance.verdict.leaks import leaks
from store import tasks as stored
from store import verdicts

if TYPE_CHECKING:
    from sqlite_utils import Database

    from appliance.prompts.prompt import Prompt
    from appliance.verdict.report.report import Ranked, Report
    from store.records import RunRecord


@click.command(
    epilog=example(
        "strop verdict 3f2a", "strop verdict 3f2a --all", "strop verdict 3f2a --html verdict.html"
    )
)
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Show every changed answer.")
@click.option(
    "--html",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it to FILE as one page with figures, which needs nothing else.",
)
@click.option("--force", is_flag=True, help="Write over FILE where it is there already.")
@json_option
@click.pass_obj
def verdict(out: Output, run: str, everything: bool, file: Path | None, force: bool) -> None:
    """Show a run's verdict: by label, what is confused, and the answers that changed.

    The page quotes rows of the task: it is as confidential as they are.
    """
    if force and file is None:
        raise click.UsageError("--force goes with --html FILE")
    if file is not None:
        from appliance.verdict.page.file import check

        check(file, force)
    db = open_store()
    found = report_of(db, find_run(db, run))
    if file is not None:
        from appliance.files import write_whole
        from appliance.verdict.page.page import page

        write_whole(file, page(found))
        out.say(f"the page is in {printable(str(file.absolute()))}")
    out.result("strop/verdict/1", msgspec.to_builtins(found), text(found, everything))


def report_of(db: Database, run: RunRecord) -> Report:
    """Builds the report of a run's verdict. Raises InputError for a run that has none, and
    DamagedError where it, its prompts or its rows are not what they were."""
    from appliance.verdict.report.both import Both
    from appliance.verdict.report.build import build

    given = run_of(db, run)
    found, record = given.verdict, verdicts.get(db, run.id)
    if found is None or record is None:
        raise InputError(f"run {run.id} has no verdict yet; see: strop runs show {run.id}")
    loaded, counts = load(db, run.task_id), stored.counts(db, run.task_id)
    cases = {case.id: case for case in loaded.cases["test"]}
    if unknown := [answer.case for answer in found.answers if answer.case not in cases]:
        what = f"the verdict of run {run.id}"
        raise damaged(what, f"case {unknown[0]} is not one of the task's test split")
    shown = Both(judged_prompt(db, found.seed.prompt), judged_prompt(db, found.best.prompt))
    return build(
        found,
        loaded.task,
        cases,
        shown,
        run=run.id,
        at=record.created_at,
        look=found.look,
        ranked=_ranked(given.inputs.plan),
        leaks=leaks(shown.best, loaded.task.labels, every_row(db, loaded.id)),
        private_rows=counts.rows - counts.may_ship,
        **_of_map(db, run.id, shown.best),
    )


def _of_map(db: Database, run: str, best: Prompt) -> dict[str, Any]:
    """What the run found out about what the best prompt reads states by; nothing where it reads
    none."""
    found = read_off(db, run) if best.map or best.likeness else None
    return {"separation": found.separation, "alike": found.alike} if found else {}


def _ranked(plan: dict[str, Any]) -> Ranked | None:
    """The rank agreement that the run's plan measured; None where all label scores were equal."""
    from appliance.verdict.report.report import Ranked

    agreement = plan.get("agreement") or {}
    if agreement.get("spearman") is None:
        return None
    return Ranked(plan["search_body"], agreement["spearman"], agreement["n"])
