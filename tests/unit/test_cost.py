"""What evaluating a prompt is expected to cost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import tiny_tasks
from in_process import InProcess
from scripted_model import ScriptedModel

from appliance.encode.renderer import Renderer
from appliance.evaluate.cost import (
    WRITTEN,
    expected_cost,
    longest,
    writes,
)
from appliance.evaluate.workbench import Prices
from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.scoring.written import REASONING
from models.engine import Segment
from models.trie import build

READING = Prices(1.0)
WRITING = Prices(0.0, sample=1.0)
DIRECT = Prompt((), "{text}\nAnswer: {answer}\n")
STEPS = Prompt((), "{text}\nThink: {reasoning}\nSo: {answer}\n")


def renderer(name: str) -> tuple[Renderer, list]:
    loaded = tiny_tasks.loaded(name)
    tokeniser = InProcess(ScriptedModel(Path("unused"))).tokeniser()
    return Renderer(loaded.task, loaded.rows, tokeniser), loaded.cases["tuning"][:8]


@pytest.mark.parametrize("name", ["relation", "episodes", "classify", "several"])
def test_where_nothing_is_written_the_tokens_that_are_read_are_all_that_costs(name):
    using, cases = renderer(name)
    seed = tiny_tasks.loaded(name).seed
    assert not writes(using, seed) and longest(using, seed, cases) == 0
    assert expected_cost(using, seed, cases, READING) == using.tokens(seed, cases)
    assert expected_cost(using, seed, cases, WRITING) == 0.0


@pytest.mark.parametrize(
    ("name", "prompt", "most"),
    [
        ("answer", DIRECT, KINDS["answer"].longest),
        ("answer", STEPS, REASONING + KINDS["answer"].longest),
        ("reading", msgspec.structs.replace(DIRECT, example="{text}{question}{answer}\n"),
         KINDS["reading"].longest),
        ("spans", DIRECT, KINDS["spans"].longest),
        ("choice", DIRECT, 0),
        ("choice", STEPS, REASONING),
    ],
)  # fmt: skip
def test_what_is_written_costs_half_of_what_may_be(name, prompt, most):
    using, cases = renderer(name)
    assert longest(using, prompt, cases) == most and writes(using, prompt) == bool(most)
    assert expected_cost(using, prompt, cases, WRITING) == WRITTEN * most * len(cases)


def test_text_that_is_copied_with_tags_may_take_as_many_tokens_more_as_it_has():
    using, cases = renderer("spans")
    tagged = msgspec.structs.replace(DIRECT, output="tags")
    [most] = {longest(using, tagged, cases)}
    assert (
        most == KINDS["spans"].longest + using.longest_text(cases) > longest(using, DIRECT, cases)
    )
    assert using.longest_text(cases[:1]) <= using.longest_text(cases)


def test_a_prompt_that_is_continued_is_read_again_for_each_thing_written():
    using, cases = renderer("answer")
    direct = expected_cost(using, DIRECT, cases, READING) - using.tokens(DIRECT, cases)
    steps = expected_cost(using, STEPS, cases, READING) - using.tokens(STEPS, cases)
    for prompt, cost, times in ((DIRECT, direct, 1), (STEPS, steps, 2)):
        read = build([Segment(-1, tokens) for tokens in using.openings(prompt, cases)])
        assert cost == times * len(read) > 0


def test_cases_in_one_request_cost_less_than_one_by_one():
    using, cases = renderer("relation")
    seed = tiny_tasks.loaded("relation").seed
    alone = sum(expected_cost(using, seed, [case], READING) for case in cases)
    assert expected_cost(using, seed, cases, READING) < alone
