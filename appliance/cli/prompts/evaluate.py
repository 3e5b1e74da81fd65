"""``strop eval``: how well prompts do on a split."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from appliance.cli import figures
from appliance.cli.ask import ask
from appliance.cli.lookups import find_task, model_of
from appliance.cli.options import (
    catalog,
    example,
    json_option,
    model_option,
    open_store,
)
from appliance.cli.output import Output, columns
from appliance.cli.prompt_files import prompts_given
from appliance.errors import InputError
from appliance.run.messages import Evaluate, Evaluated, EvaluatedPrompt
from appliance.statistics.metrics import NAMES
from appliance.statistics.proportions import Estimate
from appliance.task import SPLITS, Split

LONGEST = 60
"""The most characters of an answer that are shown."""


@click.command(
    "eval",
    epilog=example(
        "strop eval 9c41 --task sample --split selection",
        "strop eval prompt.json --task sample --split tuning --limit 100 --json",
        "strop eval prompts/ 9c41 --task sample --split selection",
    ),
)
@click.argument("prompts", metavar="PROMPT...", nargs=-1, required=True)
@click.option("--task", required=True, metavar="NAME")
@click.option("--split", required=True, type=click.Choice(SPLITS))
@model_option
@click.option("--limit", type=click.IntRange(1), help="The first so many cases only.")
@click.option("--examples", is_flag=True, help="Show every example's answer and score as well.")
@click.option(
    "--first-yes",
    is_flag=True,
    help="For comparison: where several yes/no questions get a yes, the first one counts.",
)
@json_option
@click.pass_obj
def evaluate(
    out: Output,
    prompts: tuple[str, ...],
    task: str,
    split: Split,
    model: str | None,
    limit: int | None,
    examples: bool,
    first_yes: bool,
) -> None:
    """Score prompts on a split of a task.

    A PROMPT is an id, the beginning of one, a .json file that `strop prompt show ID --json` wrote,
    or a folder of such files. The serving body of the model scores it. Several race: a prompt that
    is proven worse than the leader drops out before it has seen every case.
    """
    db = open_store()
    of_task = find_task(db, task)
    given = prompts_given(db, prompts, of_task)
    if first_yes and all(prompt.form != "yesno" for prompt in given.values()):
        raise InputError("--first-yes is for prompts that ask yes or no, and here is none of them")
    asked = Evaluate(
        task=of_task.name,
        split=split,
        model=model_of(out, catalog(), model, given.values()),
        prompts=given,
        limit=limit,
        first_yes=first_yes,
    )
    found = ask(out, db, asked)
    text = "" if out.as_json else "\n".join(_text(found, examples))
    out.result("strop/eval/1", msgspec.structs.asdict(found), text)


def _text(found: Evaluated, examples: bool) -> Iterator[str]:
    each = sorted(found.prompts, key=lambda entry: entry.rank)
    if len(each) == 1:
        yield from _single(found, each[0])
    else:
        yield f"task    {found.task}, {found.split} split, {len(each)} prompts"
        yield f"cost    {_cost(found)}"
        yield ""
        yield _table(found, each)
    for entry in each if examples else ():
        yield ""
        yield entry.name
        yield _examples(entry)


def _single(found: Evaluated, entry: EvaluatedPrompt) -> Iterator[str]:
    yield f"prompt  {entry.prompt}"
    yield f"task    {found.task}, {found.split} split, n {entry.n}"
    whole = Estimate(entry.value, entry.low, entry.high, entry.n)
    for metric, figure in {found.metric: whole, **entry.also}.items():
        yield (
            f"score   {NAMES[metric]} {figure.value:.3f}, "
            f"95 % interval [{figure.low:.3f}, {figure.high:.3f}]"
        )
    rules = [
        f"calibration weight {entry.weight:g}" if entry.weight else "",
        "label biases" if entry.bias else "",
        f"channel weight {entry.channel_weight:g}" if entry.channel_weight else "",
        f"yes above {entry.threshold:+.2f} nats" if entry.threshold else "",
    ]
    yield ", ".join([f"loss    {entry.loss:.4f}", *filter(None, rules)])
    yield f"cost    {_cost(found)}"


def _cost(found: Evaluated) -> str:
    seconds, tokens = found.seconds, found.tokens
    spent = f"{figures.duration(seconds)}, {tokens} tokens"
    if not seconds:
        return spent
    rows = sum(entry.n for entry in found.prompts)
    return f"{spent}; {rows / seconds:.1f} rows/s, {tokens / seconds:.0f} tokens/s"


def _table(found: Evaluated, each: list[EvaluatedPrompt]) -> str:
    headings = ("", "prompt", "n", NAMES[found.metric], "95 %", "loss", "")
    rows = [
        (
            f"{entry.rank}.",
            entry.name,
            str(entry.n),
            f"{entry.value:.3f}",
            f"[{entry.low:.3f}, {entry.high:.3f}]",
            f"{entry.loss:.3f}",
            "" if entry.behind is None else f"dropped out, behind by {entry.behind:.3f}",
        )
        for entry in each
    ]
    return columns(headings, rows)


def _examples(entry: EvaluatedPrompt) -> str:
    rows = [
        (
            case.case,
            f"{case.credit:.2f}",
            "" if case.confidence is None else f"{case.confidence:.2f}",
            f"{case.loss:.3f}",
            _short(case.gold),
            _short(case.predicted),
        )
        for case in entry.cases
    ]
    return columns(("case", "right", "probability", "loss", "gold", "answer"), rows)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
