"""``strop models quantise``: makes another file of a model, kept as a model of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import msgspec

from appliance.cli.lookups import models_chosen
from appliance.cli.options import catalog, example, json_option
from appliance.cli.output import Output
from appliance.errors import InputError, StropError
from models.catalog import CatalogError
from models.make import KINDS, MakeError, make

UNQUANTISED = ("BF16", "F16", "F32")


@click.command(
    "quantise",
    epilog=example(
        "strop models quantise house-model Q4_K_M",
        "strop models quantise house-model Q8_0 --name house-model-small",
    ),
)
@click.argument("name")
@click.argument("kind", type=click.Choice(KINDS, case_sensitive=False))
@click.option("--name", "new", metavar="NEW", help="Name of the new model; else NAME-KIND.")
@json_option
@click.pass_obj
def quantise(out: Output, name: str, kind: str, new: str | None) -> None:
    """Make a smaller or faster file of a model, kept as a model of its own."""
    found = catalog()
    [chosen] = models_chosen(found, name)
    model = found.get(chosen)
    target = new or f"{model.name}-{kind.lower()}"
    try:
        taken = found.path(target).exists()
    except CatalogError as error:
        raise InputError(str(error)) from error
    if taken:
        raise InputError(f"a model named {target} is already there: choose another with --name")
    serving = next(q for q, body in model.bodies.items() if body.file == model.serving)
    if serving not in UNQUANTISED:
        out.say(f"{model.name} is {serving} already: what that lost does not come back")
    out.say(f"making {target} of {model.name} as {kind}")
    try:
        with tempfile.TemporaryDirectory(prefix=".quantise-", dir=found.folder) as folder:
            file = Path(folder) / f"{target}.gguf"
            make("body", found.path(model.name) / model.serving, file, kind)
            origin = f"{model.name} quantised as {kind}; {model.name}: {model.origin}"
            made = found.add_gguf(file, target, licence=model.licence, origin=origin)
    except (MakeError, OSError) as error:
        raise StropError(f"{error}; nothing was added") from error
    record = msgspec.to_builtins(made)
    document = {"model": record.pop("name"), **record}
    out.result("strop/models-quantise/1", document, str(found.path(made.name) / made.serving))
