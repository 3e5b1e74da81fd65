"""Answers a file: finds the prompt, checks the rows, asks the model and writes what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from appliance import __version__
from appliance.cli.lookups import find_task
from appliance.cli.options import catalog, open_store
from appliance.cli.output import Output
from appliance.cli.predict.source import ENDINGS, source_of
from appliance.cli.predict.tuned import Tuned, tuned
from appliance.cli.predict.writing import one_line, write_all, write_most_uncertain
from appliance.data.choices import Choices
from appliance.data.tasks import every_row, load
from appliance.encode.renderer import Renderer
from appliance.errors import InputError
from appliance.evaluate.workbench import Prices
from appliance.files import OtherFormat, refused
from appliance.host.host import Host, tokeniser_of
from appliance.host.room import check_room
from appliance.kinds import KINDS
from appliance.predict.answer import answered
from appliance.predict.lines import Layout
from appliance.predict.part import check_output
from appliance.predict.rows import check
from appliance.predict.served import Served
from appliance.prompts.canonical import canonical
from appliance.prompts.loaded import Loaded
from appliance.prompts.validate import check_suits
from appliance.scoring.hidden import check_map
from appliance.scoring.written import answers_are_written
from appliance.text import near_duplicate_key
from models.catalog import hash_file
from models.pool import Pool

WRITTEN: dict[str, Layout] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
"""How rows are written to a file with each ending, unless --to says otherwise."""


class Request(msgspec.Struct, frozen=True):
    """What a person asks for. ``of_table`` says how a table is read, ``columns`` what the file
    calls its fields; ``layout`` is how rows are written, and ``wanted`` how many of the most
    uncertain ones alone."""

    which: str | None
    task: str | None
    model: str | None
    file: Path
    format: str
    of_table: dict[str, Any]
    columns: Mapping[str, str]
    skip: bool
    output: Path | None
    layout: Layout | None
    wanted: int | None


def answer_file(out: Output, asked: Request) -> None:
    """Raises InputError where the prompt cannot answer such rows, or any row is wrong."""
    if asked.output is not None:
        check_output(asked.output)
    layout = asked.layout or _layout(asked)
    db = open_store()
    chosen = tuned(out, db, asked.which, asked.task, asked.model)
    loaded = load(db, chosen.task)
    _check(chosen, loaded, asked.wanted)
    choices = Choices(
        loaded.task.name,
        kind=loaded.task.kind,
        several=loaded.task.several,
        match=loaded.task.match,
        columns=asked.columns,
        skip=asked.skip,
    )
    with _in_its_format():
        source = source_of(asked.file, asked.format, choices, asked.of_table)
    model = catalog().get(chosen.model)
    output = asked.output
    with Pool() as pool:
        host = Host(catalog(), pool, out.say)
        body = host.body(model, model.serving_body, Prices(0.0))
        if chosen.identity not in (None, body.identity):
            out.say(
                f"note: {model.name} or its engine is not as it was when the prompt was tuned, so "
                "its threshold and its probabilities may be off"
            )
        check_map(chosen.prompt, model.name, body.sha256)
        ask, tokeniser = Served(pool, body.worker), tokeniser_of(host, model, model.serving_body)
        renderer = Renderer(loaded.task, loaded.rows, tokeniser)
        host.note_frame(model.name, renderer.frame(chosen.prompt))
        out.say(f"checking the rows of {asked.file}")
        options = loaded.cases["tuning"][0].options
        with one_line(out) as say, _in_its_format():
            checked = check(
                source,
                choices,
                renderer,
                chosen.prompt,
                options,
                lambda rows: say(f"{rows} rows checked"),
            )
        check_room(host, model, checked.longest)
        for note in checked.notes:
            out.say(f"note: {note}")
        for wrong in checked.wrong:
            out.say(f"left out: {wrong.place}: {wrong.what}")
        work = partial(answered, ask, renderer, chosen.prompt, source, choices, checked)
        if asked.wanted is None:
            identity = _identity(asked, chosen, [layout, body.identity])
            rows = write_all(out, work, checked, layout, output, identity)
        else:
            known = frozenset(near_duplicate_key(row.text) for row in every_row(db, loaded.id))
            field = KINDS[loaded.task.kind].gold
            names = asked.columns if source.columns is None else source.columns
            rows = write_most_uncertain(
                out, work, checked, layout, output, asked.wanted, known, names.get(field, field)
            )
    if output is not None:
        document = {
            "task": find_task(db, loaded.id).name,
            "prompt": chosen.prompt.id,
            "model": model.name,
            "output": str(output),
            "rows": rows,
            "left_out": list(checked.wrong),
        }
        out.result("strop/predict/1", document, f"{rows} rows in {output}")


@contextmanager
def _in_its_format() -> Iterator[None]:
    """Says how to read a file that has another format, in the options of this command."""
    try:
        yield
    except OtherFormat as other:
        raise refused(other.path, f"{other.what}; give --format {other.format}") from None


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


def _layout(asked: Request) -> Layout:
    ending = asked.output.suffix.lower() if asked.output else ""
    if ending in WRITTEN:
        return WRITTEN[ending]
    if ending in ENDINGS:
        raise InputError(
            f"{asked.output}: rows are written as JSON Lines or CSV; name it so, or give --to"
        )
    return "csv" if asked.format == "csv" else "jsonl"


def _identity(asked: Request, chosen: Tuned, others: Sequence[object]) -> str:
    """A hash of all that the output depends on."""
    file = asked.file
    files = [file] if file.is_file() else sorted(one for one in file.rglob("*") if one.is_file())
    inputs = [asked.format, asked.of_table, asked.columns, asked.skip, __version__, *others]
    parts = [*map(hash_file, files), chosen.task, canonical(chosen.prompt).hex(), repr(inputs)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
