"""``strop predict``: a tuned prompt answers the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from appliance.cli.file_options import column_option, on_error_option, table_options
from appliance.cli.options import example, json_option, model_option
from appliance.cli.output import Output
from appliance.cli.predict.source import EVERY, format_of


@click.command(
    "predict",
    epilog=example(
        "strop predict tickets new.csv --output answered.csv",
        "strop predict 3f9c21ab new.jsonl > answered.jsonl",
        "strop predict tickets pool.csv --most-uncertain 60 --output next.csv",
    ),
)
@click.argument("given", metavar="[RUN|PROMPT|TASK] FILE", nargs=-1, required=True)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Else stdout.")
@click.option(
    "--to",
    type=click.Choice(["jsonl", "csv"]),
    help="How rows are written; else as the output's name ends, or as they came.",
)
@click.option("--format", "format", type=click.Choice(EVERY), help="Else as the name of FILE ends.")
@column_option
@table_options
@click.option(
    "--task",
    metavar="NAME",
    help="The task whose rows these are; a prompt that is given as a file does not say it.",
)
@model_option
@on_error_option
@click.option(
    "--most-uncertain",
    "wanted",
    type=click.IntRange(1),
    metavar="N",
    help="Write only the N rows that are most worth labelling, to be imported afterwards.",
)
@json_option
@click.pass_obj
def predict(
    out: Output,
    /,
    given: tuple[str, ...],
    output: Path | None,
    to: Literal["jsonl", "csv"] | None,
    format: str | None,
    columns: dict[str, str],
    task: str | None,
    model: str | None,
    on_error: str,
    wanted: int | None,
    **of_table: Any,
) -> None:
    """Answer the rows of FILE with a tuned prompt.

    The prompt is that of a run, the one with an id, the last one tuned for a task, or a .json file;
    if none is named, that of the last run with a verdict. Rows need no labels. Each is written with
    its own columns, what is predicted, its probability, the runner-up, and whether the answer is
    withheld because its probability is too low.

    A prediction into a file that was interrupted goes on where it was if it is started again.
    """
    if len(given) > 2:
        raise click.UsageError("give one prompt and one file")
    if out.as_json and output is None:
        raise click.UsageError("--json prints one document about the rows; give them an --output")
    # What answers rows loads numpy, which no other command should wait for.
    from appliance.cli.predict.work import Request, answer_file

    which, file = given[0] if len(given) == 2 else None, Path(given[-1])
    asked = Request(
        which=which,
        task=task,
        model=model,
        file=file,
        format=format_of(file, format),
        of_table=of_table,
        columns=columns,
        skip=on_error == "skip",
        output=output,
        layout=to,
        wanted=wanted,
    )
    answer_file(out, asked)
