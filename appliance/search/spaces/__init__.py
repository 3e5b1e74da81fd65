"""Which formats a task's prompts are searched among."""

from __future__ import annotations

from appliance.prompts.prompt import Prompt
from appliance.search.spaces.labels import CLASSIFY, RELATION
from appliance.search.spaces.space import Space
from appliance.search.spaces.written import (
    ANSWER,
    OFFERED,
    READING,
    SPANS,
)
from appliance.search.spaces.yes_no import SEVERAL, YES_NO_RELATION
from appliance.task import Kind, Task

SPACES: dict[Kind, Space] = {
    "relation": RELATION,
    "classify": CLASSIFY,
    "answer": ANSWER,
    "reading": READING,
    "spans": SPANS,
}


def space_of(task: Task, seed: Prompt) -> Space:
    """Formats of the seed prompt's form: yes/no prompts stay yes/no prompts, and options are shown
    where the seed shows them."""
    if seed.form == "yesno":
        return _supported(task) if task.kind == "relation" else SEVERAL
    if "choices" in seed.slots:
        return OFFERED
    return SPACES[task.kind]


def _supported(task: Task) -> Space:
    """Only episodes bring support."""
    if task.protocol == "episodes":
        return YES_NO_RELATION
    bare = {
        name: genes
        for name, genes in YES_NO_RELATION.layouts.items()
        if "{support}" not in YES_NO_RELATION.template({"layout": name})
    }
    return YES_NO_RELATION._replace(layouts=bare)
