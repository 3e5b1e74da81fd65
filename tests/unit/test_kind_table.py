"""The table of kinds: what it names is there, and no module asks for a kind by its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import tiny_tasks

from appliance.kinds import KINDS, Kind
from appliance.prompts.seeds import plain_seed
from appliance.prompts.validate import check
from appliance.search.spaces import named, space_of
from appliance.search.spaces.space import Space

APPLIANCE = Path(__file__).parents[2] / "appliance"
BY_NAME = re.compile(r"""kind\s*(?:==|!=|in|not in)\s*[("'\[]""")


def test_every_kind_that_a_task_can_have_is_an_entry():
    assert tuple(KINDS) == get_args(Kind)


@pytest.mark.parametrize("name", KINDS)
def test_an_entry_names_spaces_that_are_there_and_seeds_for_its_forms(name):
    kind = KINDS[name]
    assert isinstance(named(kind.space), Space)
    assert ("yesno" in kind.forms) == bool(kind.yes_no_seed) == bool(kind.yes_no_space)
    if kind.yes_no_space:
        assert isinstance(named(kind.yes_no_space), Space)
    assert (kind.longest > 0) == ("written" in kind.forms)
    assert kind.metrics and kind.work and kind.torn and kind.exact


@pytest.mark.parametrize("name", tiny_tasks.tasks())
def test_the_seed_prompt_of_a_kind_suits_its_tasks_and_has_formats_to_search(name):
    loaded = tiny_tasks.loaded(name)
    seed = plain_seed(loaded.task, loaded.demonstrations, loaded.cases["tuning"])
    check(seed, loaded, loaded.cases["tuning"])
    space = space_of(loaded.task, seed)
    assert space.layouts and space.target == seed.target


def test_no_module_but_the_table_asks_for_a_kind_of_task_by_its_name():
    asking = [
        f"{path.relative_to(APPLIANCE)}: {line.strip()}"
        for path in APPLIANCE.rglob("*.py")
        for line in path.read_text().splitlines()
        if BY_NAME.search(line) and any(f'"{kind}"' in line for kind in KINDS)
    ]
    assert asking == []
