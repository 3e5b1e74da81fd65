"""``strop task import``: few-shot episodes."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import click

from appliance.cli.file_options import on_error_option
from appliance.cli.options import F, example, json_option
from appliance.cli.output import Output
from appliance.cli.task.importing import (
    file_argument,
    keep,
    may_ship_option,
    name_option,
    seed_option,
    task_name,
)
from appliance.data.protocols.common import Files

FILES = ("episodes_per_file", "dev_episodes_per_file")
OUT_OF_PLACE = {
    "--episodes": ("ways", "shots", "na_rate", "test", "test_names"),
    "--protocol fewrel": ("relations", "none_share", *FILES),
    "--protocol fs-fewrel": ("episodes", "na_rate"),
}
"""Options that have no effect beside another option, which is the key."""

Option = Callable[[Any], Any]


def _path_option(flag: str, help: str) -> Option:
    return click.option(flag, type=click.Path(path_type=Path), metavar="FILE", help=help)


def _number_option(flag: str, least: int, help: str) -> Option:
    return click.option(flag, type=click.IntRange(least), metavar="NUMBER", help=help)


shots_option = _number_option("--shots", 1, "Rows that each way is shown with; else 1.")


def _number(context: click.Context, option: click.Parameter, given: float | None) -> float | None:
    """Refuses NaN, which the type's range lets through."""
    if given is not None and isnan(given):
        raise click.BadParameter("nan is no number")
    return given


def files_options(command: F) -> F:
    dev = "Episodes of each of the three files for tuning and for selection; else 100."
    test = "Episodes of each of the five test files; else 100. The published number is 10,000."
    for flag, help in (("--dev-episodes-per-file", dev), ("--episodes-per-file", test)):
        command = _number_option(flag, 1, help)(command)
    return command


@click.command(
    "fewrel",
    epilog=example(
        "strop task import fewrel val_wiki.json --names pid2name.json --name fewrel",
        "strop task import fewrel val_wiki.json --names pid2name.json --episodes episodes.json",
        "strop task import fewrel train_wiki.json --names pid2name.json --test val_pubmed.json "
        "--na-rate 1",
        "strop task import fewrel val_wiki.json --names pid2name.json --protocol fs-fewrel",
    ),
)
@file_argument
@click.option("--names", required=True, type=click.Path(path_type=Path), help="pid2name.json")
@_path_option("--episodes", "Fixed episodes with a prompt.")
@click.option(
    "--protocol",
    type=click.Choice(["fewrel", "fs-fewrel"]),
    default="fewrel",
    show_default=True,
    help="How episodes are drawn.",
)
@_number_option("--ways", 2, "Relations of an episode; else 5.")
@shots_option
@click.option(
    "--na-rate",
    type=click.Choice(["0", "1", "2", "5"]),
    help="Queries of other relations for each query of one way; else 0.",
)
@_path_option("--test", "Another domain's relations, for the test split.")
@_path_option("--test-names", "Their names, like pid2name.json.")
@_path_option("--relations", "fs-fewrel: JSON, the relations of each split.")
@click.option(
    "--none-share",
    type=click.FloatRange(0, 1, max_open=True),
    callback=_number,
    help="fs-fewrel: share of queries with no relation; else 0.92, and 0.95 in the test split.",
)
@files_options
@name_option
@seed_option
@may_ship_option
@on_error_option
@json_option
@click.pass_obj
def import_fewrel(
    out: Output,
    /,
    file: Path,
    names: Path,
    protocol: str,
    name: str | None,
    seed: int,
    may_ship: bool,
    on_error: str,
    **given: Any,
) -> None:
    """Import FewRel's FILE as few-shot episodes (5-way 1-shot, or those of --episodes).

    Relations and sentences of the splits are disjoint. See docs/protocols.md.
    """
    from appliance.data.protocols.fewrel import read_fewrel
    from appliance.data.protocols.fs_fewrel import read_fs_fewrel

    options = {option: value for option, value in given.items() if value is not None}
    _check(f"--protocol {protocol}", options)
    if "episodes" in options:
        _check("--episodes", options)
    if "test_names" in options and "test" not in options:
        raise click.UsageError("--test-names has the names of the relations of --test; give both")
    shared: Any = {"name": task_name(name, file), "seed": seed, "may_ship": may_ship}
    shared["skip"] = on_error == "skip"
    if protocol == "fs-fewrel":
        files = _files(*(options.pop(option, None) for option in FILES))
        imported = read_fs_fewrel(file, names, files=files, **shared, **options)
    else:
        na_rate = int(options.pop("na_rate", 0))
        imported = read_fewrel(file, names, na_rate=na_rate, **shared, **options)
    keep(out, imported, "strop/task-import-fewrel/1")


@click.command(
    "fs-tacred",
    epilog=example(
        "strop task import fs-tacred train.json dev.json test.json",
        "strop task import fs-tacred train.json dev.json test.json --shots 5 --types types.json",
    ),
)
@click.argument("train", type=click.Path(path_type=Path))
@click.argument("dev", type=click.Path(path_type=Path))
@click.argument("test", type=click.Path(path_type=Path))
@shots_option
@_path_option("--types", "JSON: types that the entities of a relation can have.")
@files_options
@click.option("--name", default="fs-tacred", show_default=True, help="Name of the task.")
@on_error_option
@json_option
@click.pass_obj
def import_fs_tacred(
    out: Output,
    /,
    train: Path,
    dev: Path,
    test: Path,
    shots: int | None,
    types: Path | None,
    episodes_per_file: int | None,
    dev_episodes_per_file: int | None,
    name: str,
    on_error: str,
) -> None:
    """Import TRAIN, DEV and TEST of a licensed TACRED copy as FS-TACRED's 5-way episodes.

    Sampling has the published seeds. No row may leave this machine. See docs/protocols.md.
    """
    from appliance.data.protocols.fs_tacred import read_fs_tacred

    imported = read_fs_tacred(
        train,
        dev,
        test,
        name=task_name(name, test),
        shots=shots or 1,
        types=types,
        files=_files(episodes_per_file, dev_episodes_per_file),
        skip=on_error == "skip",
    )
    keep(out, imported, "strop/task-import-fs-tacred/1")


def _check(beside: str, options: dict[str, Any]) -> None:
    """Raises UsageError where an option has no effect beside another one."""
    if wrong := [option for option in OUT_OF_PLACE[beside] if option in options]:
        flag = wrong[0].replace("_", "-")
        raise click.UsageError(f"--{flag} says nothing beside {beside}; leave one of them out")


def _files(test: int | None, dev: int | None) -> Files:
    usual = Files()
    return Files(test or usual.test, dev or usual.dev)
