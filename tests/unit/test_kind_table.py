"""The table of kinds: what it names is there, and no module asks for a kind by its name."""

from __future__ import annotations

import ast
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
        f"{path.relative_to(APPLIANCE)}:{node.lineno}"
        for path in APPLIANCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if asks_by_name(node)
    ]
    assert asking == []


def asks_by_name(node: ast.AST) -> bool:
    """Whether a comparison, a match or a dictionary's key holds a kind against a kind's name."""
    match node:
        case ast.Compare(left, _, others):
            sides = [left, *others]
            return any(map(is_a_kind, sides)) and any(map(names_a_kind, sides))
        case ast.Match(subject, cases):
            return is_a_kind(subject) and any(names_a_kind(case.pattern) for case in cases)
        case ast.Subscript(value, key):
            return is_a_kind(key) and isinstance(value, ast.Dict) and names_a_kind(value)
    return False


def is_a_kind(node: ast.AST) -> bool:
    match node:
        case ast.Name(name) | ast.Attribute(_, name) | ast.Subscript(_, ast.Constant(name)):
            return name == "kind"
    return False


def names_a_kind(node: ast.AST) -> bool:
    return any(
        (isinstance(part, ast.Constant) and part.value in KINDS)
        or (isinstance(part, ast.Name) and part.id.isupper() and part.id.lower() in KINDS)
        for part in ast.walk(node)
    )


@pytest.mark.parametrize(
    "code",
    [
        'task.kind == "spans"',
        'kind in {"relation", "reading"}',
        'found["kind"] != "answer"',
        'match task.kind:\n    case "spans": pass',
        '{"spans": 1}[task.kind]',
        "KINDS[kind] and kind == RELATION",
    ],
)
def test_asking_by_name_is_found_out_however_it_is_written(code):
    assert any(map(asks_by_name, ast.walk(ast.parse(code))))
