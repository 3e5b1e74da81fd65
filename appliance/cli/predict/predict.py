"""``strop predict``: a tuned prompt answers the rows of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from appliance.cli.options import catalog, example, model_option, open_store
from appliance.cli.output import Output
from appliance.cli.predict.source import EVERY, format_of, source_of
from appliance.cli.predict.tuned import Tuned, tuned
from appliance.cli.predict.writing import write_all, write_most_uncertain
from appliance.cli.table_options import column_option, table_options
from appliance.cli.task.importing import on_error_option
from appliance.data.choices import Choices
from appliance.data.split.splits import near_duplicate_key
from appliance.data.tasks import load
from appliance.encode.renderer import Renderer
from appliance.errors import InputError
from appliance.host.host import Host, tokeniser_of
from appliance.predict.answer import answered
from appliance.predict.lines import Layout
from appliance.predict.rows import check
from appliance.predict.served import Served
from appliance.prompts.canonical import canonical
from appliance.prompts.loaded import Loaded
from appliance.prompts.validate import check_suits
from appliance.scoring.written import answers_are_written
from models.catalog import Model, hash_file
from models.pool import Pool


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
@click.option("--task", metavar="NAME", help="The task of a prompt that is given as a file.")
@model_option
@on_error_option
@click.option(
    "--most-uncertain",
    "wanted",
    type=click.IntRange(1),
    metavar="N",
    help="Write only the N rows that are most worth labelling, to be imported afterwards.",
)
@click.pass_obj
def predict(
    out: Output,
    /,
    given: tuple[str, ...],
    output: Path | None,
    to: Layout | None,
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
    which, file = given[0] if len(given) == 2 else None, Path(given[-1])
    db = open_store()
    chosen = tuned(out, db, which, task, model)
    loaded = load(db, chosen.task)
    _check(chosen, loaded, wanted)
    format = format_of(file, format)
    choices = Choices(
        loaded.task.name,
        kind=loaded.task.kind,
        several=loaded.task.several,
        columns=columns,
        skip=on_error == "skip",
    )
    source = source_of(file, format, choices, of_table)
    record = catalog().get(chosen.model)
    layout = to or _layout(output, format)
    with _opened(out, record, loaded) as (ask, renderer):
        out.say(f"checking the rows of {file}")
        checked = check(source, choices, renderer, chosen.prompt)
        for note in checked.notes:
            out.say(f"note: {note}")
        for wrong in checked.wrong:
            out.say(f"left out: {wrong.place}: {wrong.what}")
        work = partial(answered, ask, renderer, chosen.prompt, source, choices, checked)
        if wanted is None:
            inputs = [format, columns, of_table, layout, chosen.prompt.id, record.sha256]
            write_all(out, work, checked, layout, output, _identity(file, chosen, inputs))
        else:
            known = frozenset(
                near_duplicate_key(case.query.text)
                for cases in loaded.cases.values()
                for case in cases
            )
            gold = columns.get("label", "label")
            write_most_uncertain(out, work, checked, layout, output, wanted, known, gold)


def _check(chosen: Tuned, loaded: Loaded, wanted: int | None) -> None:
    """Raises InputError for a prompt that cannot answer rows by themselves."""
    if loaded.task.protocol == "episodes":
        raise InputError(
            f"{loaded.task.name} is a few-shot task: its prompts answer episodes, whose labels and "
            "support rows a file of rows does not have"
        )
    check_suits(chosen.prompt, loaded)
    if wanted is not None and answers_are_written(loaded.task, chosen.prompt):
        raise InputError(
            "--most-uncertain needs probabilities, and under this prompt answers are written, "
            "which have none"
        )


def _layout(output: Path | None, format: str) -> Layout:
    if output is not None and output.suffix.lower() in (".csv", ".jsonl"):
        return "csv" if output.suffix.lower() == ".csv" else "jsonl"
    return "csv" if format == "csv" else "jsonl"


def _identity(file: Path, chosen: Tuned, inputs: Sequence[object]) -> str:
    """A hash of all that the output depends on."""
    read = hash_file(file) if file.is_file() else str(file.stat().st_mtime_ns)
    parts = [read, canonical(chosen.prompt).hex(), repr(inputs)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@contextmanager
def _opened(out: Output, model: Model, loaded: Loaded) -> Iterator[tuple[Served, Renderer]]:
    """The model's serving body in a worker of this command's own."""
    with Pool() as pool:
        host = Host(catalog(), pool, out.say)
        worker = host.worker(model, model.serving_body)
        tokeniser = tokeniser_of(host, model, model.serving_body)
        yield Served(pool, worker), Renderer(loaded.task, loaded.rows, tokeniser)
