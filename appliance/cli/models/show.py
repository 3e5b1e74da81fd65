"""``strop models show`` shows one model in full; ``discover`` lists those of other programs."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path

import click
import msgspec

from appliance.cli.lookups import models_chosen
from appliance.cli.options import catalog, example, json_option
from appliance.cli.output import Output, columns
from appliance.encode.turns import note
from models.catalog import TWIN, Model
from models.discover import discover as found_elsewhere
from models.headers import GgufHeader, read_gguf


@click.command("show", epilog=example("strop models show smollm2-135m"))
@click.argument("name")
@json_option
@click.pass_obj
def show_model(out: Output, name: str) -> None:
    """Show a model: what its file says of itself, its bodies, its twin and where they came from."""
    found = catalog()
    [chosen] = models_chosen(found, name)
    model = found.get(chosen)
    folder = found.path(model.name)
    header = read_gguf(folder / model.serving)
    record = msgspec.to_builtins(model)
    document = {
        "model": record.pop("name"),
        **record,
        "folder": str(folder),
        "parameters": _parameters(header),
        "vocabulary": header.vocabulary,
        "chat_template": header.chat_template,
        "chat_note": note(header.chat_template) if header.chat_template else "",
        "described_as": header.name,
    }
    if document["chat_note"]:
        out.say(f"{model.name}: {document['chat_note']}")
    out.result("strop/models-show/1", document, _in_words(model, header, folder))


@click.command("discover", epilog=example("strop models discover"))
@json_option
@click.pass_obj
def discover(out: Output) -> None:
    """List the GGUF files that Hugging Face, LM Studio and Ollama keep for you; reads only."""
    found = list(found_elsewhere(Path.home(), dict(os.environ)))
    usable = [one for one in found if not one.problem]
    headings = ("from", "name", "MB", "architecture", "quantisation", "file")
    rows = [
        (f.source, f.name, f"{f.size / 1e6:.0f}", f.architecture, f.quantisation, f.path)
        for f in usable
    ]
    for one in found:
        if one.problem:
            out.say(f"left out: {one.path}: {one.problem}")
    out.say(
        "bring one here with: strop models import FILE --name NAME"
        if usable
        else "no GGUF file in the places of Hugging Face, LM Studio and Ollama"
    )
    body = {"found": [msgspec.to_builtins(one) for one in found]}
    out.result("strop/models-discover/1", body, columns(headings, rows) if rows else "")


def _in_words(model: Model, header: GgufHeader, folder: Path) -> str:
    lines = [
        f"{model.name}: {header.name or 'without a name of its own'}",
        f"{model.architecture}, {_parameters(header) / 1e6:.0f} M parameters, context of "
        f"{model.context} tokens, vocabulary of {header.vocabulary}, "
        + ("with a chat template" if header.chat_template else "no chat template"),
        f"licence: {model.licence or 'not stated'}; origin: {model.origin}",
        f"added {model.added_at:%Y-%m-%d}, in {folder}",
        "",
    ]
    rows = []
    for kind, body in model.bodies.items():
        speed = f"{body.prefill_tokens_per_s:.0f}" if body.prefill_tokens_per_s else "-"
        away = "-" if body.divergence is None else f"{body.divergence:.4f}"
        size = f"{(folder / body.file).stat().st_size / 1e6:.0f}"
        rows.append((kind, model.uses(kind), size, speed, away, body.sha256))
    if model.twin_sha256:
        rows.append((TWIN, "gradients", "", "", "", model.twin_sha256))
    headings = ("body", "use", "MB", "tokens/s", "divergence", "sha256")
    return "\n".join(lines) + "\n" + columns(headings, rows)


def _parameters(header: GgufHeader) -> int:
    return sum(prod(tensor.shape) for tensor in header.tensors)
