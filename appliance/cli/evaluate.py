"""``strop eval``: how well a prompt does on a split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from appliance.cli import figures
from appliance.cli.lookups import find_model, find_prompt, find_task
from appliance.cli.options import catalog, example, json_option, model_option, open_store
from appliance.cli.output import Output
from appliance.cli.prompt import SHOWN
from appliance.cli.watching import ask
from appliance.data.check import read_utf8, refused
from appliance.errors import PromptError
from appliance.prompt import Prompt
from appliance.task import SPLITS

if TYPE_CHECKING:
    from sqlite_utils import Database


@click.command(
    "eval",
    epilog=example(
        "strop eval 9c41 --task sample --split selection",
        "strop eval prompt.json --task sample --split tuning --limit 100 --json",
    ),
)
@click.argument("prompt")
@click.option("--task", required=True, metavar="NAME")
@click.option("--split", required=True, type=click.Choice(SPLITS))
@model_option
@click.option("--limit", type=click.IntRange(1), help="The first so many cases only.")
@json_option
@click.pass_obj
def evaluate(
    out: Output, prompt: str, task: str, split: str, model: str | None, limit: int | None
) -> None:
    """Score a prompt on a split of a task.

    PROMPT is an id, the beginning of one, or a .json file that `strop prompt show ID --json` wrote.
    The serving body of the model scores it.
    """
    db = open_store()
    body = {"prompt": _prompt(db, prompt), "task": find_task(db, task).name, "split": split}
    name = find_model(out, catalog(), model)
    found = ask(out, db, "eval", {**body, "model": name, "limit": limit})
    out.result("strop/eval/1", found, "" if out.as_json else _text(found))


def _prompt(db: Database, given: str) -> Any:
    """The id of a stored prompt; or the prompt in a file, by itself or in the document that shows
    one."""
    path = Path(given)
    if path.suffix != ".json":
        return find_prompt(db, given).id
    text = read_utf8(path, "a prompt, as `strop prompt show ID --json` prints it")
    try:
        found = msgspec.json.decode(text)
        if isinstance(found, dict) and found.get("schema") == SHOWN:
            found = found.get("body")
        return msgspec.to_builtins(msgspec.convert(found, Prompt))
    except (msgspec.DecodeError, RecursionError, PromptError) as error:
        raise refused(path, f"is no prompt: {error}; see: strop prompt show ID --json") from None


def _text(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    lines = [
        f"prompt    {found['prompt']}",
        f"task      {found['task']}, {found['split']} split, n {found['n']}",
        f"accuracy  {found['accuracy']:.3f}, 95 % interval [{low:.3f}, {high:.3f}]",
        f"loss      {found['loss']:.4f}, calibration weight {found['weight']:g}"
        + (", label priors" if found["prior"] else ""),
        f"cost      {figures.duration(found['seconds'])}, {found['tokens']} tokens",
    ]
    return "\n".join(lines)
