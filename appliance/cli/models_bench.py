"""``strop models bench``: how fast and how faithful a model's bodies are on this machine."""

from __future__ import annotations

from typing import Any

import click

from appliance.cli.lookups import find_task, models_chosen
from appliance.cli.options import catalog, example, json_option, open_store
from appliance.cli.output import Output, columns
from appliance.cli.watching import ask
from appliance.tasks import SAMPLE


@click.command(
    "bench",
    epilog=example(
        "strop models bench smollm2-135m", "strop models bench house-model --task contracts"
    ),
)
@click.argument("name")
@click.option("--task", "task", default=SAMPLE, show_default=True, help="Task to plan a run of.")
@json_option
@click.pass_obj
def bench(out: Output, name: str, task: str) -> None:
    """Measure a model's bodies here: speed, memory, fidelity, and what a run can try."""
    [chosen] = models_chosen(catalog(), name)
    db = open_store()
    found = ask(out, db, "bench", {"model": chosen, "task": find_task(db, task).id})
    out.result("strop/models-bench/1", found, _in_words(found))


def _in_words(found: dict[str, Any]) -> str:
    bodies = found["bodies"]
    depths = list(bodies[0]["prefill"])
    headings = (
        "body", "use", *(f"read at {depth}" for depth in depths), "write 1", "write 8", "MB",
        "divergence", "same token",
    )  # fmt: skip
    rows = [
        (
            body["body"],
            ", ".join(body["uses"]),
            *(f"{body['prefill'][depth]:.0f}" for depth in depths),
            f"{body['decode']:.0f}",
            f"{body['decode_many']:.0f}",
            _megabytes(body["peak_bytes"]),
            f"{body['to_serving']['divergence']:.4f}",
            f"{body['to_serving']['agreement']:.3f}",
        )
        for body in bodies
    ]
    serving = next(body for body in bodies if "serves" in body["uses"])
    near = serving["to_twin"]
    return "\n".join(
        [
            columns(headings, rows),
            "",
            "Speeds in tokens a second, reading 512 tokens behind as many as the heading says, and "
            "writing 1 or 8 answers at once.",
            f"Divergence (nats) and same likeliest token: to {serving['body']}, which serves, over "
            f"{near['positions']} tokens.",
            f"Twin: scores {found['scoring']:.0f} and differentiates {found['gradients']:.0f} "
            f"tokens/s, {_megabytes(found['twin_peak_bytes'])} MB; {serving['body']} is "
            f"{near['divergence']:.4f} nats from it, same likeliest token {near['agreement']:.3f}.",
            found["words"],
        ]
    )


def _megabytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e6:.0f}"
