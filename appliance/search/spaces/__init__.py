"""The formats among which a task's prompts are searched."""

from __future__ import annotations

from importlib import import_module

import msgspec

from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.prompts.slots import written_the_same
from appliance.search.spaces.space import Space
from appliance.search.spaces.written import OFFERED
from appliance.task import Task


def space_of(task: Task, seed: Prompt, lettered: bool = False) -> Space:
    """The formats of the seed prompt's form: yes/no prompts stay yes/no prompts, and options are
    shown where the seed shows them. No format writes two labels the same. Options are written by
    their words too where texts list them by letter (``lettered``)."""
    kind = KINDS[task.kind]
    if seed.form == "yesno":
        space = named(kind.yes_no_space)
        space = space if task.protocol == "episodes" else _without_support(space)
    else:
        space = OFFERED if "choices" in seed.slots else named(kind.space)
        if lettered:
            space = space._replace(rules={**space.rules, "options": ("letters", "words")})
    # Only the words of labels are compared: how they are read rules nothing out.
    plain = msgspec.structs.replace(seed, words=(), readout="words", map=None)
    return _told_apart(space, task, plain)


def named(name: str) -> Space:
    """The space that a kind of task names, as a module of this folder, a dot and a name in it."""
    module, _, attribute = name.partition(".")
    found = getattr(import_module(f"{__name__}.{module}"), attribute)
    assert isinstance(found, Space)
    return found


def without_reasoning(space: Space) -> Space:
    """The space without layouts in which the model writes before it answers."""
    at_once = {name: own for name, own in space.layouts.items() if "extractor" not in own}
    return space if at_once == space.layouts else space._replace(layouts=at_once)


def _without_support(space: Space) -> Space:
    """The space without layouts that show support, which only episodes bring."""
    bare = {
        name: choices
        for name, choices in space.layouts.items()
        if "{support}" not in space.template({"layout": name})
    }
    return space._replace(layouts=bare)


def _told_apart(space: Space, task: Task, seed: Prompt) -> Space:
    """The space without values of a rule under which a prompt writes two labels the same."""

    def apart(rule: str, value: str) -> bool:
        return not written_the_same(msgspec.structs.replace(seed, **{rule: value}), task)

    rules = {
        rule: tuple(value for value in values if apart(rule, value))
        for rule, values in space.rules.items()
    }
    return space if rules == space.rules else space._replace(rules=rules)
