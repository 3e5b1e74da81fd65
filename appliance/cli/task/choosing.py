"""The options that describe the rows of an import, and the ``Choices`` that they make."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose, isfinite
from pathlib import Path
from typing import Any, get_args

import click

from appliance.cli.options import F, json_option
from appliance.cli.task.importing import (
    file_argument,
    may_ship_option,
    name_option,
    on_error_option,
    seed_option,
    task_name,
)
from appliance.data.choices import Choices, Sizes
from appliance.data.labels.given import read_labels
from appliance.data.read.columns import SPLIT
from appliance.kinds import KINDS, Kind, KindOfTask, Metric
from appliance.task import SPLITS, Match, Split

SIZES = (
    "write three whole numbers, as in 96,48,100, or three shares that add to 1, as in 0.4,0.2,0.4"
)

Option = Callable[[Any], Any]


def _sizes(context: click.Context, option: click.Parameter, given: str | None) -> Sizes:
    if given is None:
        return Sizes()
    parts = given.split(",")
    try:
        tuning, selection, test = map(float, parts)
    except ValueError:
        raise click.BadParameter(SIZES) from None
    total = tuning + selection + test
    whole = all(part.strip().isdecimal() for part in parts)
    positive = min(tuning, selection, test) > 0 and isfinite(total)
    if not positive or not (whole or isclose(total, 1, abs_tol=1e-6)):
        raise click.BadParameter(SIZES)
    most = (int(tuning), int(selection), int(test)) if whole else None
    return Sizes((tuning / total, selection / total, test / total), most)


def _pairs(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    named = [pair.partition("=") for pair in given]
    if any(not (field and sign and column) for field, sign, column in named):
        raise click.BadParameter("write FIELD=NAME, as in text=sentence")
    return {field: column for field, _, column in named}


def _values(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, Split]:
    """The split of each value."""
    named = [pair.partition("=") for pair in given]
    if any(split not in SPLITS or not value for split, _, value in named):
        raise click.BadParameter(
            "write SPLIT=VALUE, with tuning, selection or test, as in test=dev"
        )
    return {value: split for split, _, value in named}  # type: ignore[misc]


def _something(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    if given == "":
        raise click.BadParameter("write one character or more")
    return given


def _names(context: click.Context, option: click.Parameter, given: str | None) -> tuple[str, ...]:
    names = [] if given is None else [name.strip() for name in given.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise click.BadParameter("write different names with commas between them, as in A,B,C")
    return tuple(names)


def _metric_option(metrics: tuple[str, ...]) -> Option:
    return click.option(
        "--metric", type=click.Choice(metrics), help="What prompts are measured by."
    )


def _where(holds: Callable[[KindOfTask], bool]) -> tuple[Kind, ...]:
    return tuple(name for name, kind in KINDS.items() if holds(kind))


OF_KIND: dict[str, tuple[tuple[Kind, ...], Option]] = {
    "none": (
        _where(lambda kind: kind.gold == "label"),
        click.option("--none", metavar="LABEL", help="The label that means none of the above."),
    ),
    "labels": (
        _where(lambda kind: kind.gold in ("label", "spans")),
        click.option(
            "--labels",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="JSON: labels in their order, with descriptions and words.",
        ),
    ),
    "types": (
        _where(lambda kind: "head_type" in kind.optional),
        click.option(
            "--types",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="JSON: types that the entities of a relation can have.",
        ),
    ),
    "several": (
        _where(lambda kind: kind.may_have_several),
        click.option("--several", is_flag=True, help="A text may have any number of labels."),
    ),
    "match": (
        _where(lambda kind: kind.comparison == "match"),
        click.option(
            "--match",
            type=click.Choice(get_args(Match)),
            help="How answers are compared; else as their looks suggest.",
        ),
    ),
}
"""Options that are for some kinds of task only."""

OF_COLUMNS: dict[str, tuple[tuple[Kind, ...], Option]] = {
    "label_columns": (
        _where(lambda kind: kind.gold == "label"),
        click.option(
            "--label-columns",
            metavar="NAME,NAME,...",
            callback=_names,
            help="Columns with 1 where the label of their name holds, else 0.",
        ),
    ),
    "class_names": (
        _where(lambda kind: kind.gold in ("label", "spans")),
        click.option(
            "--class-names",
            metavar="NAME,NAME,...",
            callback=_names,
            help="What class numbers stand for, from 0: labels, or tags of words.",
        ),
    ),
}
"""The same, for files whose columns are named by whoever made them."""

COLUMN: Option = click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_pairs,
    metavar="FIELD=NAME",
    help="What the file calls a field. May be repeated.",
)

SHARED: tuple[Option, ...] = (
    click.option(
        "--test",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The test rows, if each split has its file; FILE then has the tuning rows.",
    ),
    click.option(
        "--selection",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The selection rows, beside --test; else they are taken out of tuning.",
    ),
    click.option(
        "--sizes",
        metavar="TUNING,SELECTION,TEST",
        callback=_sizes,
        help="Most cases of each split, or shares of all rows; else 2000,1000,5000.",
    ),
    seed_option,
    on_error_option,
    json_option,
)


def rows_options(command: F) -> F:
    """Adds the options for files whose columns are named by whoever made them."""
    kind = click.option(
        "--kind",
        type=click.Choice(tuple(KINDS)),
        default="relation",
        show_default=True,
        help="What is predicted.",
    )
    delimiter = click.option(
        "--label-delimiter",
        metavar="TEXT",
        callback=_something,
        help="Divides labels, or choices; else ; and |.",
    )
    split_column = click.option(
        "--split-column",
        metavar="NAME",
        help="The column that says which split a row is of: train, dev, test and the like.",
    )
    split_value = click.option(
        "--split-value",
        "split_values",
        multiple=True,
        callback=_values,
        metavar="SPLIT=VALUE",
        help="Another value of that column, as in test=heldout. May be repeated.",
    )
    splits = (split_column, split_value)
    of_kinds = [option for _, option in (OF_KIND | OF_COLUMNS).values()]
    metric = _metric_option(get_args(Metric))
    return _decorated(command, kind, COLUMN, *of_kinds, delimiter, *splits, metric, may_ship_option)


def tool_options(kinds: tuple[Kind, ...]) -> Callable[[F], F]:
    """Adds the options for exports of annotation tools, which can be read for several kinds."""
    kind = click.option(
        "--kind", type=click.Choice(kinds), required=True, help="What is predicted."
    )
    of_kinds = [option for those, option in OF_KIND.values() if {*those} & {*kinds}]
    metric = _metric_option(get_args(Metric))
    return lambda command: _decorated(command, kind, COLUMN, *of_kinds, metric, may_ship_option)


def format_options(kind: Kind, *own: Option, may_ship: bool = True) -> Callable[[F], F]:
    """Adds the options for files in a published format; ``own`` are those of this format alone.

    Without ``may_ship`` no option lets the rows ship.
    """
    of_kind = [option for kinds, option in OF_KIND.values() if kind in kinds]
    metric = [_metric_option(KINDS[kind].metrics)] if len(KINDS[kind].metrics) > 1 else []
    ship = [may_ship_option] if may_ship else []
    return lambda command: _decorated(command, *own, *of_kind, *metric, *ship)


def _decorated(command: F, *options: Option) -> F:
    for option in reversed((file_argument, name_option, *options, *SHARED)):
        command = option(command)
    return command


def choices_of(file: Path, given: dict[str, Any], **more: Any) -> Choices:
    """Makes the choices of the options. Raises UsageError where these do not go together."""
    options = {**given, **more}
    kind, metric = options["kind"], options.get("metric")
    for name, (kinds, _) in (OF_KIND | OF_COLUMNS).items():
        if options.get(name) and kind not in kinds:
            option, those = name.replace("_", "-"), " or ".join(kinds)
            raise click.UsageError(f"--{option} is for --kind {those}, not for {kind}")
    if options.get("label_columns") and KINDS[kind].gold in options["columns"]:
        raise click.UsageError("--label-columns and --column label=NAME both name the labels")
    if metric and metric not in KINDS[kind].metrics:
        known = " or ".join(KINDS[kind].metrics)
        raise click.UsageError(f"--kind {kind} is measured by {known}, not by {metric}")
    if SPLIT in options.get("columns", {}):
        raise click.UsageError("the column of splits is named by --split-column NAME")
    if column := options.pop("split_column", None):
        options["columns"] = {**options["columns"], SPLIT: column}
    elif options.get("split_values"):
        raise click.UsageError("--split-value is for the column that --split-column names")
    if labels := options.get("labels"):
        options["labels"] = read_labels(labels, kind)
    skip = options.pop("on_error") == "skip"
    return Choices(**{**options, "name": task_name(options["name"], file), "skip": skip})
