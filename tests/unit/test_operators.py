"""The reasoner is asked in the terms of each kind of task, and shown what may ship alone."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
import tiny_tasks

from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome, Scored, Written
from appliance.scoring.yes_no import YesNoOutcome
from appliance.search.methods.instructions import (
    OPERATORS,
    WORK,
    induce,
    instructed,
    rewrite,
)
from appliance.search.race import Candidate
from appliance.task import Case, Task

WRONG = {
    "relation": "left",
    "episodes": "no relation",
    "classify": "weather",
    "several": "weather",
    "answer": "0",
    "choice": "elsewhere",
    "reading": "nowhere",
    "spans": "[]",
}
TASKS = {name: tiny_tasks.loaded(name) for name in WRONG}


def wrong_on(name: str, cases: list[Case]) -> Candidate:
    """A prompt of the task's own form that gives one answer to everything."""
    return Candidate(
        TASKS[name].seed,
        "seed",
        fixed=True,
        scored=[_outcome(TASKS[name].task, TASKS[name].seed, case, WRONG[name]) for case in cases],
    )


def _outcome(task: Task, prompt: Prompt, case: Case, said: str) -> Outcome:
    if prompt.form == "yesno":
        labels = tuple(y for y in case.labels if y != task.none)
        gold = tuple(y == case.query.label or y in case.query.labels for y in labels)
        margins = tuple(1.0 if y == said else -1.0 for y in labels)
        nothing = (0.0,) * len(labels)
        none = task.none or ""
        return YesNoOutcome(
            case.id, labels, gold, margins, nothing, (True,) * len(labels), none, task.several
        )
    if prompt.form == "written":
        return Written(case.id, said, 0.0, False, (0, 1, 1), 1.0)
    plain = tuple(float(y == said) for y in case.labels)
    return Scored(case.id, case.gold, plain, (0.0,) * len(plain), case.labels)


@pytest.mark.parametrize("name", TASKS)
def test_induction_shows_rows_of_any_kind_with_their_right_answers(name):
    task, cases = TASKS[name].task, TASKS[name].cases["tuning"]
    asked = induce(task, wrong_on(name, cases), cases, Random(0))
    assert asked is not None and len(asked.cases) == asked.text.count("Input: ") == 4
    for case in asked.cases:
        row = case.query
        assert f"Input: {row.text}" in asked.text
        right = (
            *row.answers[:1],
            row.label,
            *row.labels,
            *(row.text[a:b] for a, b, _ in row.spans),
        )
        assert all(word in asked.text.partition(f"Input: {row.text}")[2] for word in right)
        assert row.question in asked.text
    offers = any(case.options for case in asked.cases)
    assert ("The possible answers are: " in asked.text) == offers


@pytest.mark.parametrize("name", TASKS)
def test_rewriting_shows_what_the_model_said_and_what_it_was_asked_to_do(name):
    task, cases = TASKS[name].task, TASKS[name].cases["tuning"]
    leader = wrong_on(name, cases)
    asked = rewrite(task, leader, cases, Random(0))
    assert asked is not None
    assert f"tells a model how to {WORK[task.kind]}:" in asked.text
    instruction = leader.prompt.section("task").replace("{labels}", "").strip()
    assert f'"{instruction}"' in asked.text and "{labels}" not in asked.text
    shown = {case.id for case in asked.cases}
    by_case = {outcome.case: outcome for outcome in leader.scored}
    for case in asked.cases:
        assert f"The model said: {by_case[case.id].predicted(leader.fit)}" in asked.text
    assert shown <= {o.case for o in leader.scored if not o.correct(leader.fit)}


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_asks_the_same_of_the_same_random_source(name, operator):
    cases = TASKS[name].cases["tuning"]
    leader = wrong_on(name, cases)
    asked = [OPERATORS[operator](TASKS[name].task, leader, cases, Random(s)) for s in (1, 1, 2)]
    assert asked[0] == asked[1] != asked[2]


def test_a_question_without_options_has_no_possible_answers():
    cases = TASKS["answer"].cases["tuning"]
    asked = induce(TASKS["answer"].task, wrong_on("answer", cases), cases, Random(0))
    assert asked is not None and "possible answers" not in asked.text


@pytest.mark.parametrize("name", TASKS)
def test_an_instruction_takes_the_old_ones_place_and_lists_labels_where_it_did(name):
    seed = TASKS[name].seed
    changed = instructed(seed, "Do it well.")
    listed = "{labels}" in seed.section("task")
    assert changed.section("task") == f"Do it well.{' {labels}' if listed else ''}\n\n"
    assert (changed.form, changed.example) == (seed.form, seed.example)


@pytest.mark.parametrize("name", ["relation", "classify", "several"])
def test_a_reasoner_reads_the_words_of_a_label_and_not_its_code(name):
    task, cases = TASKS[name].task, TASKS[name].cases["tuning"]
    coded = tuple(
        msgspec.structs.replace(label, words=f"words for it ({n})")
        for n, label in enumerate(task.labels)
    )
    task = msgspec.structs.replace(task, labels=coded)
    for operator in OPERATORS.values():
        asked = operator(task, wrong_on(name, cases), cases, Random(0))
        assert asked is not None
        answers = [line for line in asked.text.splitlines() if line.startswith("Answer: ")]
        assert answers and all(line[8:].startswith(("words for it", "none")) for line in answers)
        said = [line for line in asked.text.splitlines() if line.startswith("The model said: ")]
        assert all("words for it" in line or WRONG[name] not in line for line in said)
