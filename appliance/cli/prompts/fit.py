"""``strop prompt fit``: a prompt with a map of a model's hidden states."""

from __future__ import annotations

import click
import msgspec

from appliance.cli import figures
from appliance.cli.ask import ask
from appliance.cli.lookups import find_model, find_task
from appliance.cli.options import catalog, example, json_option, model_option, open_store
from appliance.cli.output import Output
from appliance.cli.prompt_files import prompt_given
from appliance.run.messages import FitMap, FittedMap
from appliance.statistics.metrics import NAMES


@click.command(
    "fit",
    epilog=example(
        "strop prompt fit 9c41 --task sample --model smollm2-135m",
        "strop prompt fit mine.json --task sample",
    ),
)
@click.argument("given", metavar="PROMPT")
@click.option("--task", required=True, metavar="NAME")
@model_option
@json_option
@click.pass_obj
def fit_prompt(out: Output, given: str, task: str, model: str | None) -> None:
    """Fit a prompt's map of hidden states to a model's file.

    A map that reads labels belongs to the file whose states it was fitted to. Where another file is
    to answer, or the prompt was written by hand, this fits a map to the task's tuning and selection
    rows and keeps the prompt with it under an id of its own. PROMPT is an id, the beginning of one
    or a .json file; it may read label words so far. What else was fitted to it is left out.
    """
    db = open_store()
    of_task = find_task(db, task)
    prompt = prompt_given(db, given, of_task, to_be_fitted=True)
    asked = FitMap(of_task.name, find_model(out, catalog(), model), prompt)
    answer = ask(out, db, asked)
    out.result("strop/prompt-fit/1", msgspec.structs.asdict(answer), _text(answer))


def _text(answer: FittedMap) -> str:
    cost = f"{figures.duration(answer.seconds)}, {answer.tokens} tokens"
    return "\n".join(
        [
            f"prompt  {answer.prompt}, with a map of the states of {answer.model}",
            f"task    {answer.task}, tuning and selection rows, n {answer.n}",
            f"score   {NAMES[answer.metric]} {answer.value:.3f}, "
            f"95 % interval [{answer.low:.3f}, {answer.high:.3f}], each row by a map that has not "
            "seen it",
            f"cost    {cost}",
        ]
    )
