"""The reasoner is asked in the terms of each kind of task, and shown what may ship alone."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
import tiny_tasks

from appliance.calibrate.objective import Objective
from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Outcome, Scored, Written
from appliance.scoring.yes_no import YesNoOutcome
from appliance.search.candidate import Candidate
from appliance.search.instructions import instructed
from appliance.search.lab import Lab
from appliance.search.methods import induce, rewrite
from appliance.search.race import Race
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


def asked(operator: str, task: Task, leader: Candidate, cases: list[Case], seed: int = 0):
    """What the reasoner is asked, and the cases that it is shown."""
    race = Race(SimpleNamespace(task=task), cases, Objective(task.metric), lambda *_: None)
    race.promote(leader, "leads")
    lab = Lab(race, None, {}, seed)
    if operator == "induce":
        shown = lab.examples(4)
        return induce.question(task, shown), shown
    wrong = lab.failures(leader, 4)
    return rewrite.question(task, leader.prompt, wrong), [failure.case for failure in wrong]


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
    text, shown = asked("induce", task, wrong_on(name, cases), cases)
    assert len(shown) == text.count("Input: ") == 4
    for case in shown:
        row = case.query
        assert f"Input: {row.text}" in text
        right = (
            *row.answers[:1],
            row.label,
            *row.labels,
            *(row.text[a:b] for a, b, _ in row.spans),
        )
        assert all(word in text.partition(f"Input: {row.text}")[2] for word in right)
        assert row.question in text
    offers = any(case.options for case in shown)
    assert ("The possible answers are: " in text) == offers


@pytest.mark.parametrize("name", TASKS)
def test_rewriting_shows_what_the_model_said_and_what_it_was_asked_to_do(name):
    task, cases = TASKS[name].task, TASKS[name].cases["tuning"]
    leader = wrong_on(name, cases)
    text, shown = asked("rewrite", task, leader, cases)
    assert f"tells a model how to {KINDS[task.kind].work}:" in text
    instruction = leader.prompt.section("task").replace("{labels}", "").strip()
    assert f'"{instruction}"' in text and "{labels}" not in text
    by_case = {outcome.case: outcome for outcome in leader.scored}
    for case in shown:
        assert f"The model said: {by_case[case.id].predicted(leader.fit)}" in text
    assert {case.id for case in shown} <= {
        o.case for o in leader.scored if not o.correct(leader.fit)
    }


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("operator", ["induce", "rewrite"])
def test_an_operator_asks_the_same_of_the_same_random_source(name, operator):
    cases = TASKS[name].cases["tuning"]
    leader = wrong_on(name, cases)
    texts = [asked(operator, TASKS[name].task, leader, cases, seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_question_without_options_has_no_possible_answers():
    cases = TASKS["answer"].cases["tuning"]
    text, _ = asked("induce", TASKS["answer"].task, wrong_on("answer", cases), cases)
    assert "possible answers" not in text


@pytest.mark.parametrize("name", TASKS)
def test_an_instruction_takes_the_old_ones_place_and_lists_labels_where_it_did(name):
    seed = TASKS[name].seed
    changed = instructed(TASKS[name].task, seed, "Do it well.")
    listed = "{labels}" in seed.section("task")
    kept = " Answer yes or no." if seed.form == "yesno" else ""
    assert changed.section("task") == f"Do it well.{kept}{' {labels}' if listed else ''}\n\n"
    assert (changed.form, changed.example) == (seed.form, seed.example)


def test_an_instruction_that_is_rewritten_again_and_again_does_not_grow():
    for name in TASKS:
        task, prompt = TASKS[name].task, TASKS[name].seed
        named = ", ".join(label.name for label in task.labels)
        texts = (f"It is one of {named}. Say yes or no.", "Judge it.", "Decide: yes or no?")
        for text in texts:
            prompt = instructed(task, instructed(task, prompt, text), text)
        section = prompt.section("task")
        assert section.count(texts[-1]) == 1 and len(section) < len(texts[-1]) + 60


@pytest.mark.parametrize("name", ["relation", "classify", "several"])
def test_a_reasoner_reads_the_words_of_a_label_and_not_its_code(name):
    task, cases = TASKS[name].task, TASKS[name].cases["tuning"]
    coded = tuple(
        msgspec.structs.replace(label, words=f"words for it ({n})")
        for n, label in enumerate(task.labels)
    )
    task = msgspec.structs.replace(task, labels=coded)
    for operator in ("induce", "rewrite"):
        text, _ = asked(operator, task, wrong_on(name, cases), cases)
        answers = [line for line in text.splitlines() if line.startswith("Answer: ")]
        assert answers and all(line[8:].startswith(("words for it", "none")) for line in answers)
        said = [line for line in text.splitlines() if line.startswith("The model said: ")]
        assert all("words for it" in line or WRONG[name] not in line for line in said)
