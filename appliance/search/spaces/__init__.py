"""The formats among which a task's prompts are searched."""

from __future__ import annotations

from importlib import import_module

from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.search.spaces.space import Space
from appliance.search.spaces.written import OFFERED
from appliance.task import Task


def space_of(task: Task, seed: Prompt) -> Space:
    """The formats of the seed prompt's form: yes/no prompts stay yes/no prompts, and options are
    shown where the seed shows them."""
    kind = KINDS[task.kind]
    if seed.form == "yesno":
        space = named(kind.yes_no_space)
        return space if task.protocol == "episodes" else _without_support(space)
    return OFFERED if "choices" in seed.slots else named(kind.space)


def named(name: str) -> Space:
    """The space that a kind of task names, as a module of this folder, a dot and a name in it."""
    module, _, attribute = name.partition(".")
    found = getattr(import_module(f"{__name__}.{module}"), attribute)
    assert isinstance(found, Space)
    return found


def _without_support(space: Space) -> Space:
    """The space without layouts that show support, which only episodes bring."""
    bare = {
        name: choices
        for name, choices in space.layouts.items()
        if "{support}" not in space.template({"layout": name})
    }
    return space._replace(layouts=bare)
