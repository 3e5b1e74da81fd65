"""``strop prompt``: prompts as a person reads them."""

from __future__ import annotations

import click
import msgspec

from appliance import show
from appliance.cli.lookups import find_prompt
from appliance.cli.options import example, json_option, open_store
from appliance.cli.output import Output
from appliance.prompt import Prompt
from store import prompts, tasks


@click.group(epilog=example("strop prompt show 9c41"))
def prompt() -> None:
    """Show prompts and compare them."""


@prompt.command("show", epilog=example("strop prompt show 9c41", "strop prompt show 9c41 --json"))
@click.argument("id")
@json_option
@click.pass_obj
def show_prompt(out: Output, id: str) -> None:
    """Show a prompt by its id or the beginning of it.

    Invisible characters stand escaped; --json has the exact text.
    """
    db = open_store()
    record = find_prompt(db, id)
    found = msgspec.json.decode(record.body, type=Prompt)
    task = tasks.get(db, record.task_id)
    line = prompts.lineage(db, record.task_id, record.id)
    where = f" on {record.section}" if record.section else ""
    origin = (record.operator or "given") + where
    parent = f", from {record.parent_id}" if record.parent_id else ""
    out.say(f"prompt {record.id} of task {task.name if task else record.task_id}: {origin}{parent}")
    text = show.plain(found)
    document = {
        "prompt": record.id,
        "task": task.name if task else record.task_id,
        "operator": record.operator,
        "section": record.section,
        "parent": record.parent_id,
        "lineage": [ancestor.id for ancestor in line],
        "rows": prompts.rows(db, record.task_id, record.id),
        "body": found,
        "text": text,
    }
    out.result("strop/prompt-show/1", document, text)


@prompt.command("diff", epilog=example("strop prompt diff 9c41 77ab"))
@click.argument("a")
@click.argument("b")
@json_option
@click.pass_obj
def diff_prompts(out: Output, a: str, b: str) -> None:
    """Show what changed from prompt A to prompt B."""
    db = open_store()
    before, after = find_prompt(db, a), find_prompt(db, b)
    changes = show.diff(
        msgspec.json.decode(before.body, type=Prompt), msgspec.json.decode(after.body, type=Prompt)
    )
    if not changes:
        out.say("the two are the same")
    body = {"before": before.id, "after": after.id, "diff": changes}
    out.result("strop/prompt-diff/1", body, changes)
