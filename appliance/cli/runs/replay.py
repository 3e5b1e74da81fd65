"""``strop replay``: the scores of a run, computed again."""

from __future__ import annotations

import click
import msgspec

from appliance.cli import exits
from appliance.cli.ask import ask
from appliance.cli.lookups import find_run
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output
from appliance.run.messages import Replay, Replayed


@click.command(epilog=example("strop replay 3f2a"))
@click.argument("run")
@json_option
@click.pass_context
def replay(context: click.Context, run: str) -> None:
    """Compute every figure of a run and the scores of its verdict again, and compare.

    Exits with 1 where they differ, or where the run's journal lacks scores of the verdict.
    """
    out: Output = context.obj
    db = open_store()
    run_id = find_run(db, run).id
    found = ask(out, db, Replay(run_id))
    out.result("strop/replay/1", msgspec.structs.asdict(found), _text(found))
    if not found.same:
        context.exit(exits.FAILED)


def _text(found: Replayed) -> str:
    word = "the same" if found.same else "not the same"
    largest = f"largest difference {found.largest_difference:g}"
    counts = f"{found.figures} figures out of its journal, {found.scores} scores by its model"
    if found.missing:
        counts += f", {found.missing} more could not be compared, since its journal lacks them"
    lines = [f"run {found.run}: {counts}: {word}, {largest}"]
    return "\n".join([*lines, *(f"  {difference}" for difference in found.differences)])
