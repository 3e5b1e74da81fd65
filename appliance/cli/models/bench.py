"""``strop models bench``: measures how fast and how faithful a model's bodies are here."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import click
import msgspec

from appliance.cli.ask import ask
from appliance.cli.lookups import find_task, models_chosen
from appliance.cli.options import (
    catalog,
    example,
    json_option,
    open_store,
)
from appliance.cli.output import Output, columns
from appliance.data.tasks import SAMPLE
from appliance.run.messages import Bench
from models.record import LIMIT

if TYPE_CHECKING:
    from appliance.host.measure import Bench as Benched
    from appliance.host.measure import Measured


def _finite(context: click.Context, option: click.Parameter, nats: float | None) -> float | None:
    if nats is not None and not isfinite(nats):
        raise click.BadParameter(f"{nats} is no number of nats")
    return nats


@click.command(
    "bench",
    epilog=example(
        "strop models bench smollm2-135m", "strop models bench house-model --task contracts"
    ),
)
@click.argument("name")
@click.option("--task", "task", default=SAMPLE, show_default=True, help="Task to plan a run of.")
@click.option(
    "--within",
    type=click.FloatRange(min=0.0),
    callback=_finite,
    metavar="NATS",
    help="Let the fastest body search that diverges at most this much from the one that serves "
    f"({LIMIT:g} at first).",
)
@json_option
@click.pass_obj
def bench(out: Output, name: str, task: str, within: float | None) -> None:
    """Measure a model's bodies here: speed, memory, fidelity, and what a run can try."""
    [chosen] = models_chosen(catalog(), name)
    db = open_store()
    found = ask(out, db, Bench(find_task(db, task).id, chosen, within))
    out.result("strop/models-bench/1", msgspec.structs.asdict(found), _in_words(found))


def _in_words(found: Benched) -> str:
    bodies = found.bodies
    depths = list(bodies[0].prefill)
    headings = (
        "body", "use", *(f"read at {depth}" for depth in depths), "write 1", "write 8", "MB",
        "divergence", "same token", "rank",
    )  # fmt: skip
    rows = [
        (
            body.body,
            body.uses,
            *(f"{body.prefill[depth]:.0f}" for depth in depths),
            f"{body.decode:.0f}",
            f"{body.decode_many:.0f}",
            _megabytes(body.peak_bytes),
            f"{body.to_serving.divergence:.4f}",
            f"{body.to_serving.agreement:.3f}",
            f"{body.rank_to_serving.spearman:.3f}",
        )
        for body in bodies
    ]
    serving = next(body for body in bodies if "serves" in body.uses)
    return "\n".join(
        [
            columns(headings, rows),
            "",
            "Speeds in tokens a second, reading 512 tokens behind as many as the heading says, and "
            "writing 1 or 8 answers at once.",
            f"To {serving.body}, which serves: divergence (nats) and same likeliest token over "
            f"{serving.to_serving.positions} tokens of a text, and how label scores of "
            f"{found.task} agree in rank (Spearman, n = {serving.rank_to_serving.n}). A body may "
            f"search within {found.limit:g} nats.",
            _twin(found, serving),
            found.words,
        ]
    )


def _twin(found: Benched, serving: Measured) -> str:
    near, rank = serving.to_twin, serving.rank_to_twin
    if near is None or rank is None:
        return f"No twin, so runs leave stage 2 out: {found.no_twin}"
    return (
        f"Twin: scores {found.scoring:.0f} and differentiates {found.gradients:.0f} "
        f"tokens/s, {_megabytes(found.twin_peak_bytes)} MB; {serving.body} is "
        f"{near.divergence:.4f} nats from it, same likeliest token {near.agreement:.3f}, "
        f"rank {rank.spearman:.3f}."
    )


def _megabytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e6:.0f}"
