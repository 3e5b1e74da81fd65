"""Whether a prompt can be asked a task's cases is known before any of it reaches a model."""

from __future__ import annotations

import msgspec
import pytest
import tiny_tasks

from appliance.errors import InputError
from appliance.prompts.likeness import Likeness
from appliance.prompts.linear_map import LinearMap
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.prompts.validate import check
from appliance.search.spaces import space_of
from appliance.task import Label

TASKS = {name: tiny_tasks.loaded(name) for name in tiny_tasks.tasks()}


def refusal(prompt: Prompt, loaded: Loaded) -> str:
    with pytest.raises(InputError) as refused:
        check(prompt, loaded, loaded.cases["tuning"])
    message = str(refused.value)
    assert message.startswith(f"prompt {prompt.id} ")
    return message


def changed(name: str, **fields: object) -> Prompt:
    return msgspec.structs.replace(TASKS[name].seed, **fields)


@pytest.mark.parametrize("name", TASKS)
def test_the_prompt_that_tuning_starts_from_suits_its_task(name):
    check(TASKS[name].seed, TASKS[name], TASKS[name].cases["tuning"])


@pytest.mark.parametrize("name", ["relation", "episodes"])
@pytest.mark.parametrize(
    "example",
    [
        "{text} ({head}; {tail}): {label}\n",
        "{marked} {label}\n",
        "{marked}\n{label} ({definition})? {answer}\n",
        "{support}\n{text} {head} {label} {tail}? {answer}\n",
    ],
)
def test_relations_are_asked_for_in_either_form(name, example):
    check(Prompt((), example), TASKS[name], TASKS[name].cases["tuning"])


@pytest.mark.parametrize(
    ("name", "example", "message"),
    [
        ("classify", "{text} ({head}) {label}\n", "slot {head}, and rows of topics have no head"),
        ("classify", "{support} {text} {label}? {answer}\n", "has the slot {support}"),
        ("answer", "{text} {question} {answer}\n", "has the slot {question}"),
        ("reading", "{text} {reasoning} so {answer}\n", "has the slot {reasoning}"),
        ("spans", "{text} {choices} {answer}\n", "has the slot {choices}"),
        ("relation", "{text} {choices} {label}\n", "has the slot {choices}"),
        ("answer", "{text} {label}\n", "has the slot {label}"),
        ("relation", "{text} {answer}\n", "in the form written, and what is predicted of rows of "
         "firms is their label"),
        ("several", "{text} {label}\n", "asks for one {label}, and rows of tags may have several"),
    ],
)  # fmt: skip
def test_a_prompt_for_another_kind_of_task_is_refused(name, example, message):
    assert message in refusal(Prompt((), example), TASKS[name])


@pytest.mark.parametrize(
    ("name", "numbers", "takes"),
    [
        ("relation", 3, 4),
        ("classify", 4, 3),
        ("several", 2, 3),
        ("episodes", 2, 0),
        ("reading", 1, 0),
        ("spans", 2, 0),
        ("choice", 2, 0),
    ],
)
def test_priors_are_for_the_labels_that_all_cases_choose_among(name, numbers, takes):
    message = refusal(changed(name, bias=(0.5,) * numbers), TASKS[name])
    assert f"has biases for {numbers} labels, {TASKS[name].task.name} takes {takes}" in message
    if takes:
        check(changed(name, bias=(0.5,) * takes), TASKS[name], TASKS[name].cases["tuning"])


def test_none_of_the_above_has_no_prior_where_nobody_asks_for_it():
    loaded = TASKS["relation"]
    labels = (*loaded.task.labels, Label("no relation"))
    task = msgspec.structs.replace(loaded.task, labels=labels, none="no relation")
    names = tuple(label.name for label in labels)
    cases = [msgspec.structs.replace(c, labels=names) for c in loaded.cases["tuning"]]
    loaded = msgspec.structs.replace(loaded, task=task)
    asks = Prompt((), "{marked} {label}? {answer}\n")
    check(msgspec.structs.replace(asks, bias=(0.5,) * 4), loaded, cases)
    with pytest.raises(InputError, match="biases for 5 labels, firms takes 4"):
        check(msgspec.structs.replace(asks, bias=(0.5,) * 5), loaded, cases)
    chooses = Prompt((), "{marked} {label}\n", bias=(0.5,) * 5)
    check(chooses, loaded, cases)


@pytest.mark.parametrize(
    ("name", "labels", "writes"),
    [
        ("relation", ("part of", "part_of"), {"wording": "snake"}),
        ("classify", ("i", "ı"), {"wording": "upper"}),
        ("classify", ("a", "b"), {"words": ("same", "same")}),
        ("several", ("Ab", "ab"), {"wording": "lower"}),
        ("spans", ("part of", "part_of"), {"output": "tags"}),
    ],
)
def test_a_prompt_that_writes_two_labels_the_same_is_refused(name, labels, writes):
    """And no format of the search writes them the same."""
    loaded = TASKS[name]
    task = msgspec.structs.replace(loaded.task, labels=tuple(map(Label, labels)))
    cases = [msgspec.structs.replace(case, labels=labels) for case in loaded.cases["tuning"]]
    own = msgspec.structs.replace(loaded, task=task)
    check(loaded.seed, own, cases)
    one, other = labels
    with pytest.raises(InputError, match=f'writes the labels "{one}" and "{other}" the same'):
        check(changed(name, **writes), own, cases)
    space = space_of(task, loaded.seed)
    for rule, value in writes.items():
        assert value not in space.rules.get(rule, ())
        assert space.rules.get(rule) or rule == "words"


def test_words_are_one_for_each_label_of_a_fixed_task():
    check(
        changed("classify", words=("t", "s", "w")),
        TASKS["classify"],
        TASKS["classify"].cases["tuning"],
    )
    message = refusal(changed("classify", words=("t", "s")), TASKS["classify"])
    assert "has words for 2 labels, topics takes 3" in message
    few = Prompt((), "{marked} {label}\n", words=("a", "b", "c"))
    assert "has words for 3 labels, few takes 0" in refusal(few, TASKS["episodes"])
    check(
        changed("several", words=("true", "false")),
        TASKS["several"],
        TASKS["several"].cases["tuning"],
    )


@pytest.mark.parametrize("name", ["relation", "several", "answer", "spans"])
def test_a_demonstration_is_a_row_that_is_neither_asked_nor_locked(name):
    loaded = TASKS[name]
    shown = {split: cases[0].query.id for split, cases in loaded.cases.items()}
    cases = loaded.cases["tuning"]
    for row, what in (
        ("0" * 16, f"which {loaded.task.name} lacks"),
        (shown["test"], "a row of the test split, which is locked"),
        (shown["tuning"], "which is one of the cases to be scored"),
    ):
        assert f"shows row {row}, {what}" in refusal(changed(name, shots=(row,)), loaded)
    check(changed(name, shots=(shown["selection"],)), loaded, cases)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("classify", "fit a map to its rows: strop prompt fit PROMPT --task topics"),
        ("episodes", "give another prompt"),
    ],
)
def test_a_map_to_another_number_of_labels_is_refused_with_what_helps(name, remedy):
    found = LinearMap("ab" * 32, 1, bytes(4 * 2 * 7))
    prompt = Prompt((), "{text}\n{label}\n", readout="hidden", map=found)
    assert remedy in refusal(prompt, TASKS[name])


@pytest.mark.parametrize(
    ("head", "example", "what"),
    [
        ("{labels}\n", "{text} {label}\n", "with the slot {labels}, which no row has by itself"),
        ("", "{text}: is it {label}? {answer}\n", "under a line that is none: a hidden state"),
        ("", "{question} {text} {label}\n", "with the slot {question}, which no row has by"),
        ("", "{text}\n", "under a line that is none: the example template needs"),
    ],
)
def test_the_line_that_rows_are_read_alone_under_has_their_own_fields_alone(head, example, what):
    found = Likeness("ab" * 32, 1, bytes(4), example, head)
    prompt = Prompt((), "{text} {label}\n", likeness=found)
    assert what in refusal(prompt, TASKS["episodes"])
