"""``strop task doubts``: rows whose labels a person should look at again."""

from __future__ import annotations

import click

from appliance.cli.options import example, json_option
from appliance.cli.output import Output
from appliance.run.events import MOST_DOUBTS


@click.command("doubts", epilog=example("strop task doubts tickets", "strop task doubts sample"))
@click.argument("name")
@click.option(
    "--limit", type=click.IntRange(1, MOST_DOUBTS), default=20, show_default=True, metavar="N"
)
@json_option
@click.pass_obj
def doubts_of(out: Output, name: str, limit: int) -> None:
    """List rows of TASK whose labels the last run that read hidden states doubts most.

    The map that the run fitted contradicts them although it has not seen them. They are rows of the
    tuning and selection splits, never of the test split.
    """
    # What tells the doubts loads numpy, which no other command should wait for.
    from appliance.cli.task.doubtful import list_doubts

    list_doubts(out, name, limit)
