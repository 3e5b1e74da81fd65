"""The format space of each kind of task, and local search in it."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
import tiny_tasks
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import PROMPT
from msgspec.structs import replace

from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import render
from appliance.prompts.validate import check
from appliance.search.methods import local
from appliance.search.shots import shot_sets
from appliance.search.spaces import space_of
from appliance.search.spaces.labels import CLASSIFY, RELATION
from appliance.search.spaces.space import (
    Point,
    Space,
    build,
    choose_point,
)
from appliance.search.spaces.written import (
    ANSWER,
    OFFERED,
    READING,
    SPANS,
)
from appliance.search.spaces.yes_no import SEVERAL, YES_NO_RELATION

TASKS = {name: tiny_tasks.loaded(name) for name in tiny_tasks.tasks()}
DEMONSTRATIONS = {"founder": ("f1", "f2", "f3"), "supplier of": ("s1",), "author": ()}
SECTIONS = {"example", "task", "labels", "demonstrations", "channel"}


def mutate(prompt, demonstrations, random, space):
    """A neighbour by an option that is drawn."""
    option = random.choice(local.options(prompt, demonstrations, space))
    return local.mutate(prompt, option, demonstrations, random, space)


def space(name: str) -> Space:
    return space_of(TASKS[name].task, TASKS[name].seed)


def drawn(space: Space, random: Random, shots: tuple[str, ...] = ()) -> dict[str, str]:
    return choose_point(lambda _, options: random.choice(list(options)), shots, space)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relation", RELATION),
        ("episodes", YES_NO_RELATION),
        ("classify", CLASSIFY),
        ("several", SEVERAL),
        ("answer", ANSWER),
        ("choice", ANSWER),
        ("reading", READING),
        ("spans", SPANS),
    ],
)
def test_a_space_is_that_of_the_kind_and_of_the_seeds_form(name, expected):
    assert space(name) == expected


def test_a_relation_prompt_of_labels_stays_one_in_episodes_too():
    assert space_of(TASKS["episodes"].task, PROMPT) is RELATION


def test_options_are_shown_where_the_seed_shows_them():
    shows = msgspec.structs.replace(PROMPT, example="{text}\nOptions: {choices}\n{answer}\n")
    assert space_of(TASKS["choice"].task, shows) is OFFERED
    assert any("{choices}" in OFFERED.template(point) for point in every_layout(OFFERED))
    assert not any("{choices}" in ANSWER.template(point) for point in every_layout(ANSWER))


def test_yes_no_prompts_show_support_where_episodes_bring_some():
    asks = TASKS["episodes"].seed
    shown = space_of(TASKS["episodes"].task, asks)
    bare = space_of(TASKS["relation"].task, asks)
    assert any("{support}" in shown.template(point) for point in every_layout(shown))
    assert len(bare.layouts) > 2
    assert not any("{support}" in bare.template(point) for point in every_layout(bare))


def every_layout(space: Space) -> list[Point]:
    return [{"layout": layout, "extractor": "\nSo: "} for layout in space.layouts]


@pytest.mark.parametrize("name", TASKS)
@given(data=st.data())
@settings(max_examples=60)
def test_every_point_of_a_format_space_builds_a_valid_prompt(data, name):
    names, loaded = [], TASKS[name]

    def choose(name, options):
        assert len(set(options)) == len(options) > 1
        names.append(name)
        return data.draw(st.sampled_from(list(options)), label=name)

    rows = next(iter(loaded.demonstrations.values()), ())
    shots = data.draw(st.sampled_from([{}, {"a": rows[:1]}, {"a": rows[:1], "none": ()}]))
    point = choose_point(choose, tuple(shots), space(name))
    prompt = build(point, shots, space(name))
    assert names == list(point) and len(set(names)) == len(names)
    assert prompt.separator == space(name).ends[point["end"]]
    assert prompt.shots in (*shots.values(), ())
    assert msgspec.json.decode(msgspec.json.encode(prompt), type=Prompt) == prompt


@pytest.mark.parametrize("name", TASKS)
def test_every_layout_makes_prompts_of_the_seeds_form_that_suit_the_task(name):
    loaded, random = TASKS[name], Random(1)
    cases = loaded.cases["tuning"]
    layouts = set()
    for _ in range(200):
        point = drawn(space(name), random)
        layouts.add(point["layout"])
        prompt = build(point, {"": next(iter(loaded.demonstrations.values()), ())}, space(name))
        check(prompt, loaded, cases)
        assert prompt.form == loaded.seed.form and prompt.target in prompt.slots
        given = {slot for slot in KINDS[loaded.task.kind].fields if slot in ("text", "question")}
        assert given <= prompt.slots | ({"text"} if "marked" in prompt.slots else set())
        shots = tuple(loaded.rows[row] for row in prompt.shots)
        assert render(prompt, loaded.task, cases[0], shots)
    assert layouts == set(space(name).layouts)


def test_a_relation_is_told_with_both_of_its_entities():
    random = Random(1)
    for name in ("relation", "episodes"):
        for _ in range(100):
            slots = build(drawn(space(name), random), {}, space(name)).slots
            assert {"head", "tail"} <= slots or "marked" in slots


@pytest.mark.parametrize("name", ["relation", "episodes", "classify", "several", "answer",
                                  "reading", "spans"])  # fmt: skip
def test_two_points_that_differ_build_two_prompts(name):
    random = Random(1)
    points = [drawn(space(name), random) for _ in range(300)]
    unique = {msgspec.json.encode(point, order="sorted"): point for point in points}
    assert len({build(point, {}, space(name)).id for point in unique.values()}) == len(unique)


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=40)
def test_mutations_are_valid_prompts_that_show_rows_of_the_pool_once(seed, shown):
    random = Random(seed)
    prompt = msgspec.structs.replace(PROMPT, shots=("f1", "s1") if shown else ())
    rows = {row for ids in DEMONSTRATIONS.values() for row in ids}
    for _ in range(20):
        changed, section = mutate(prompt, DEMONSTRATIONS, random, RELATION)
        assert section in SECTIONS
        assert set(changed.shots) <= rows and len(set(changed.shots)) == len(changed.shots)
        assert abs(len(changed.shots) - len(prompt.shots)) <= 1
        assert (changed.shots == prompt.shots) or section == "demonstrations"
        assert (changed.sections == prompt.sections) or section == "task"
        assert (changed.example == prompt.example) or section == "example"
        assert (changed.reverse == prompt.reverse) or section == "channel"
        assert (changed.weight, changed.mode) == (prompt.weight, prompt.mode)
        prompt = changed


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("mode", ["raw", "chat"])
def test_a_mutated_prompt_keeps_its_form_its_mode_and_suits_its_task(name, mode):
    loaded, random = TASKS[name], Random(3)
    prompt = msgspec.structs.replace(loaded.seed, mode=mode)
    reached = set()
    for _ in range(150):
        prompt, section = mutate(prompt, loaded.demonstrations, random, space(name))
        reached.add(section)
        assert (prompt.form, prompt.mode) == (loaded.seed.form, mode)
        check(prompt, loaded, loaded.cases["tuning"])
    assert {"example", "task"} <= reached <= SECTIONS
    assert ("channel" in reached) == (mode == "raw" and loaded.seed.form == "choice")
    assert bool(prompt.reverse) <= (mode == "raw")


@pytest.mark.parametrize(("name", "rule"), [("spans", "output"), ("episodes", "marking"),
                                            ("episodes", "words"), ("several", "words"),
                                            ("relation", "wording")])  # fmt: skip
def test_every_rule_of_a_space_is_reached(name, rule):
    loaded, random = TASKS[name], Random(3)
    values = {
        getattr(mutate(loaded.seed, loaded.demonstrations, random, space(name))[0], rule)
        for _ in range(300)
    }
    expected = space(name).words.values() if rule == "words" else space(name).rules[rule]
    assert set(expected) <= values


def test_a_channel_that_is_dropped_leaves_no_share():
    prompt = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n", channel_weight=0.5)
    random = Random(1)
    changed = [mutate(prompt, {}, random, RELATION)[0] for _ in range(200)]
    assert {p.channel_weight for p in changed if not p.reverse} == {0.0}


def test_without_rows_that_may_be_shown_no_demonstrations_are_mutated():
    random = Random(5)
    sections = {mutate(PROMPT, {}, random, RELATION)[1] for _ in range(200)}
    shots = {mutate(PROMPT, {"founder": ()}, random, RELATION)[0].shots for _ in range(200)}
    assert sections == SECTIONS and shots == {()}


def test_every_demonstration_of_the_pool_can_be_reached():
    random = Random(2)
    prompt = PROMPT
    reached = set()
    for _ in range(300):
        prompt, _ = mutate(prompt, DEMONSTRATIONS, random, RELATION)
        reached.update(prompt.shots)
    assert reached == {"f1", "f2", "f3", "s1"}


def test_neighbours_of_a_prompt_that_reads_states_share_its_rows_up_to_the_text():
    leader = msgspec.structs.replace(
        PROMPT.with_section("task", "Relations: {labels}\n\n"),
        example="{text}\n{head} -> {tail}: {label}\n",
        readout="hidden",
        shots=(),
    )
    found = local.behind_the_text(leader, Random(1), RELATION)
    assert len(set(found)) == len(found) == local.AT_ONCE - 1 and leader not in found
    assert {each.sections for each in found} == {leader.sections}
    assert all(each.example.startswith("{text}") for each in found)
    for none in (replace(leader, readout="words"), replace(leader, shots=("f1",))):
        assert local.behind_the_text(none, Random(1), RELATION) == []
    assert "shots" in local.options(leader, DEMONSTRATIONS, RELATION)


def test_shot_sets_are_the_rows_of_each_rank_the_seeds_and_none():
    seed = msgspec.structs.replace(PROMPT, shots=("s1", "f2"))
    assert shot_sets(DEMONSTRATIONS, seed) == {
        "row 1 of each": ("f1", "s1"),
        "row 2 of each": ("f2",),
        "row 3 of each": ("f3",),
        "the seed's": ("s1", "f2"),
        "none": (),
    }
    assert shot_sets({}, seed) == shot_sets({"founder": ()}, seed) == {}


@pytest.mark.parametrize("shots", [("f1", "s1"), ("f2",), ()])
def test_no_two_shot_sets_are_the_same(shots):
    sets = shot_sets(DEMONSTRATIONS, msgspec.structs.replace(PROMPT, shots=shots))
    assert set(sets.values()) == {("f1", "s1"), ("f2",), ("f3",), ()}
    assert len(sets) == 4
