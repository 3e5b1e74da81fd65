"""``strop prompt``: prompts as a person reads them."""

from __future__ import annotations

import click

from appliance.cli.lookups import find_prompt
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output
from appliance.cli.prompt_files import SHOWN
from appliance.cli.prompts.fit import fit_prompt
from appliance.data import tasks
from appliance.data.records import prompt_in
from appliance.prompts import show
from store import prompts


@click.group(epilog=example("strop prompt show 9c41"))
def prompt() -> None:
    """Show prompts, compare them, and fit them to a model."""


prompt.add_command(fit_prompt)


@prompt.command(
    "show", epilog=example("strop prompt show 9c41", "strop prompt show 9c41 --rendered")
)
@click.argument("id")
@click.option(
    "--rendered",
    is_flag=True,
    help="The text that the model reads, with labels and demonstrations filled in.",
)
@json_option
@click.pass_obj
def show_prompt(out: Output, id: str, rendered: bool) -> None:
    """Show a prompt by its id or the beginning of it: its parts and rules, or as it is rendered.

    Rendered, slots such as {text} stand where the row in question comes, and the text ends where
    what is asked for follows. In few-shot tasks, labels and demonstrations are those of the first
    tuning case; of yes/no questions about several labels there is one. Invisible characters stand
    escaped; --json has the exact text of both.
    """
    db = open_store()
    record = find_prompt(db, id)
    found = prompt_in(record)
    loaded = tasks.load(db, record.task_id)
    line = prompts.lineage(db, record.task_id, record.id)
    where = f" on {record.section}" if record.section else ""
    origin = (record.operator or "given") + where
    parent = f", from {record.parent_id}" if record.parent_id else ""
    out.say(f"prompt {record.id} of task {loaded.task.name}: {origin}{parent}")
    if rendered and found.mode == "chat":
        out.say("a user turn of the model's chat template; what is asked for is the assistant's")
    shots = tuple(loaded.rows[row] for row in found.shots)
    whole = show.rendered(found, loaded.task, loaded.cases["tuning"][0], shots)
    text = show.plain(found)
    document = {
        "prompt": record.id,
        "task": loaded.task.name,
        "operator": record.operator,
        "section": record.section,
        "parent": record.parent_id,
        "lineage": [ancestor.id for ancestor in line],
        "rows": prompts.rows(db, record.task_id, record.id),
        "body": found,
        "text": text,
        "rendered": whole,
    }
    out.result(SHOWN, document, whole if rendered else text)


@prompt.command("diff", epilog=example("strop prompt diff 9c41 77ab"))
@click.argument("a")
@click.argument("b")
@json_option
@click.pass_obj
def diff_prompts(out: Output, a: str, b: str) -> None:
    """Show what changed from prompt A to prompt B."""
    db = open_store()
    before, after = find_prompt(db, a), find_prompt(db, b)
    old, new = prompt_in(before), prompt_in(after)
    changes = show.diff(old, new)
    if before.id == after.id:
        out.say("the two are the same")
    elif not changes:
        out.say("the two differ in what is not shown here: see strop prompt show ID --json")
    body = {"before": before.id, "after": after.id, "diff": changes}
    out.result("strop/prompt-diff/1", body, changes)
