"""What a firm's own runs found is tried first by its later runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import tiny_tasks
from msgspec.structs import replace

from appliance.data import Imported, tasks
from appliance.prompts.likeness import Likeness
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt, Section
from appliance.run.learnt import learnt
from appliance.search.portfolio import Format, portfolio, shipped
from appliance.search.portfolio.own import format_of
from store import database, prompts, runs, verdicts

FOUND = "{text} => {label}\n"
"""A format that a search can find, and that does not come with Strop."""

BOTH = ("words", "hidden")


@pytest.fixture
def db(tmp_path: Path) -> Any:
    return database.open(tmp_path / "store.sqlite")


def won(
    db: Any, imported: Imported, prompt: Prompt, *, model: str = "m", better: bool = True
) -> str:
    """A task with a run whose best prompt is this one; returns the task's id."""
    task, run = tasks.save(db, imported), f"run-{len(runs.all(db))}"
    body = msgspec.json.encode(prompt).decode()
    prompts.add(db, id=prompt.id, task_id=task, content=body)
    inputs = msgspec.json.encode({"model": model}).decode()
    runs.create(
        db,
        id=run,
        task_id=task,
        inputs=inputs,
        seed_prompt=prompt.id,
        budget=1.0,
        status="finished",
    )
    runs.update(db, run, best_prompt=prompt.id)
    verdict = msgspec.json.encode({"better": better}).decode()
    verdicts.record(db, run_id=run, task_id=task, content=verdict)
    return task


def named(name: str, imported: Imported) -> Imported:
    return replace(imported, task=replace(imported.task, name=name))


def other_rows(kind: str) -> Imported:
    """A task of the kind with rows of its own."""
    found = tiny_tasks.imported(kind)
    rows = {row.id: replace(row, text=f"{row.text} !") for row in found.examples}
    cases = {
        split: [replace(case, query=rows[case.query.id]) for case in some]
        for split, some in found.cases.items()
    }
    return named("another", replace(found, examples=list(rows.values()), cases=cases))


def stored(db: Any, kind: str) -> Loaded:
    return tasks.load(db, tasks.save(db, tiny_tasks.imported(kind)))


def test_a_format_that_won_elsewhere_is_tried_before_those_that_come_with_strop(db):
    won(db, other_rows("classify"), Prompt((), FOUND, readout="hidden"))
    here = stored(db, "classify")
    found = learnt(db, here, "m", BOTH)
    assert found == (Format(FOUND, "hidden"),)
    assert portfolio(here.task, here.seed, found) == (*found, *shipped("classify"))


def test_a_known_format_that_won_moves_to_the_front_and_stands_once(db):
    last = shipped("classify")[-1]
    won(db, other_rows("classify"), last.prompt({}))
    here = stored(db, "classify")
    order = portfolio(here.task, here.seed, learnt(db, here, "m", BOTH))
    assert order[0] == last and sorted(map(repr, order)) == sorted(map(repr, shipped("classify")))


def test_what_was_proven_on_the_same_test_rows_is_not_learnt(db):
    prompt = Prompt((), FOUND, readout="hidden")
    won(db, named("again", tiny_tasks.imported("classify")), prompt)
    assert learnt(db, stored(db, "classify"), "m", BOTH) == ()


@pytest.mark.parametrize(
    "changes", [{"model": "other"}, {"better": False}], ids=["another model", "not proven"]
)
def test_only_what_this_model_proved_is_learnt(db, changes):
    won(db, other_rows("classify"), Prompt((), FOUND, readout="hidden"), **changes)
    assert learnt(db, stored(db, "classify"), "m", BOTH) == ()


def test_what_another_kind_of_task_learnt_does_not_suit(db):
    prompt = Prompt((), "{text}\n{head} | {tail} = {label}\n", readout="hidden")
    won(db, other_rows("relation"), prompt)
    assert learnt(db, stored(db, "classify"), "m", BOTH) == ()
    assert learnt(db, stored(db, "relation"), "m", BOTH) == (Format(prompt.example, "hidden"),)


def test_the_three_newest_that_the_run_may_use_are_learnt(db):
    arrows = (" -> ", " = ", ": ", " | ", " => ")
    for number, arrow in enumerate(arrows):
        readout = "hidden" if number == 4 else "words"
        prompt = Prompt((), f"{{text}}{arrow}{{label}}\n", readout=readout)
        won(db, named(f"task {number}", other_rows("classify")), prompt)
    found = learnt(db, stored(db, "classify"), "m", ("words",))
    assert [each.example for each in found] == [f"{{text}}{a}{{label}}\n" for a in arrows[3:0:-1]]


def test_what_is_damaged_in_the_store_is_passed_over(db):
    won(db, other_rows("classify"), Prompt((), FOUND))
    gone = Prompt((), "{text} | {label}\n")
    won(db, named("third", other_rows("classify")), gone)
    db.execute("UPDATE prompts SET content = '{}' WHERE id = ?", (gone.id,))
    found = learnt(db, stored(db, "classify"), "m", BOTH)
    assert [each.example for each in found] == [FOUND]


def test_rows_and_what_was_fitted_stay_behind():
    rows = tuple(f"row {n}" for n in range(6))
    fitted = Prompt((), FOUND, shots=rows, bias=(0.1, 0.2, -0.3), temperature=2.0, wording="upper")
    assert format_of(fitted, "classify", 3) == Format(FOUND, "words", shots=2, wording="upper")
    like = Likeness("0" * 64, 1, b"\0" * 4, "{text}\n{label}\n", weight=4.0)
    liked = msgspec.structs.replace(fitted, likeness=like)
    assert format_of(liked, "classify", 3) == format_of(fitted, "classify", 3)
    known = next(each for each in shipped("classify") if each.head)
    assert format_of(known.prompt({}), "classify", labels=3) == known


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt((Section("task", "Sort the letters of our clinic.\n\n"),), FOUND),
        Prompt((), "Ward 7: {text}\nOncology code: {label}\n"),
        Prompt((Section("guidance", "Mind the date.\n"),), FOUND),
        Prompt((), FOUND, mode="chat"),
        Prompt((), FOUND, reverse="{label}: {text}\n"),
        Prompt((), "Text: {text}\nLabel: {label}\nAnswer: {answer}\n\n"),
    ],
    ids=["instruction", "example", "section", "chat", "channel", "yes or no"],
)
def test_a_prompt_with_words_of_its_own_or_more_than_a_format_stays_with_its_task(prompt):
    assert format_of(prompt, "classify", labels=3) is None
