"""``strop task import --add-to`` from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tiny_tasks
from click.testing import CliRunner, Result
from test_cli_import import PUBLISHED, WORDS, imported, lines, refused, tickets

from appliance import locations
from appliance.cli import strop
from appliance.data.tasks import SAMPLE, load, save
from store import database, prompts
from store.database import write


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def more(home: Path, tmp_path: Path) -> Path:
    """A file of rows to add to a task "tickets" that is in the store."""
    imported("jsonl", lines(tmp_path / "tickets.jsonl", tickets()), "--kind", "classify")
    path = tmp_path / "next.csv"
    rows = [f"{word} wrote of it,{('post', 'bill')[n % 2]}" for n, word in enumerate(WORDS[20:40])]
    path.write_text("\n".join(["body,label", *rows]))
    return path


def names() -> list[str]:
    return [task["task"] for task in json.loads(run("task", "list", "--json").stdout)["tasks"]]


def test_labelled_rows_are_added_to_a_task_which_keeps_its_name(more: Path) -> None:
    before = json.loads(run("task", "show", "tickets", "--json").stdout)
    adding = ("task", "import", "csv", more, "--add-to", "tickets", "--column", "text=body")
    result = run(*adding, "--json")
    assert result.exit_code == 0, result.stderr
    kept = f"tickets@{before['id'][:8]}"
    assert f"kept with its runs as task {kept}\n" in result.stderr
    assert json.loads(result.stdout)["kept_as"] == kept
    after = json.loads(run("task", "show", "tickets", "--json").stdout)
    assert after["rows"] == 40 and after["labels"] == before["labels"]
    cases = {**before["cases"], "tuning": before["cases"]["tuning"] + 16}
    assert after["cases"] == cases
    assert names() == [kept, "tickets"]
    again = run(*adding, "--json")
    assert "task tickets is there already with this content" in again.stderr
    assert json.loads(again.stdout)["kept_as"] is None
    assert names() == [kept, "tickets"]


def test_the_doctor_finds_nothing_wrong_with_a_task_that_rows_were_added_to_twice(
    more: Path, tmp_path: Path
) -> None:
    imported("csv", more, "--add-to", "tickets", "--column", "text=body")
    kept, _ = names()
    other = lines(tmp_path / "other.jsonl", [{"text": "Quite other", "label": "post"}])
    imported("jsonl", other, "--add-to", kept)
    assert f"{kept}{kept.removeprefix('tickets')}" in names()
    assert records() == "ok"
    with database.open(locations.store_path()) as db, write(db):
        db.execute("UPDATE tasks SET name = 'tickets@00000000' WHERE name = 'tickets'")
    assert records() == "fail"


def records() -> str:
    """What the doctor says of the records of the store."""
    checks = json.loads(run("doctor", "--json").stdout)["checks"]
    return next(check["state"] for check in checks if check["name"] == "records")


def test_a_prompt_of_what_a_task_was_before_is_not_said_to_be_of_the_new_task(more: Path) -> None:
    with database.open(locations.store_path()) as db:
        was = load(db, "tickets")
        old = was.seed.with_section("task", "Z: {labels}")
        content = msgspec.json.encode(old).decode()
        prompts.add(db, id=old.id, task_id=was.id, content=content, operator="given")
    imported("csv", more, "--add-to", "tickets", "--column", "text=body")
    kept, _ = names()
    shown = run("prompt", "show", old.id, "--json")
    assert json.loads(shown.stdout)["task"] == kept
    assert f"prompt {old.id} of task {kept}: given" in run("prompt", "show", old.id).stderr


def test_removing_a_task_names_the_content_that_stays(more: Path) -> None:
    imported("csv", more, "--add-to", "tickets", "--column", "text=body")
    kept, _ = names()
    result = run("task", "remove", "tickets", "--yes")
    assert f"task {kept} has some of the same test rows and stays" in result.stderr
    assert f"strop task remove {kept}\n" in result.stderr
    assert names() == [kept]


def test_the_sample_is_found_by_its_name_after_its_grown_content_was_removed(
    home: Path, tmp_path: Path
) -> None:
    run("task", "show", SAMPLE)
    row = {"text": "Ada met Bo.", "head": "Ada", "tail": "Bo", "label": "none of these"}
    imported("jsonl", lines(tmp_path / "more.jsonl", [row]), "--add-to", SAMPLE)
    run("task", "remove", SAMPLE, "--yes")
    assert run("task", "show", SAMPLE).exit_code == 0


@pytest.mark.parametrize(
    "option",
    [
        ["--kind", "relation"],
        ["--kind", "classify"],
        ["--name", "more"],
        ["--none", "post"],
        ["--several"],
        ["--metric", "accuracy"],
        ["--sizes", "3,3,3"],
        ["--seed", 0],
        ["--test", "test.csv"],
        ["--split-column", "fold"],
        ["--split-value", "test=x"],
        ["--labels", "labels.json"],
    ],
)
def test_an_option_for_what_the_task_says_is_refused(more: Path, option: list[Any]) -> None:
    said = refused("csv", more, "--add-to", "tickets", "--column", "text=body", *option)
    assert said.startswith(
        f'{option[0]} says nothing beside --add-to: task "tickets" says it; leave it out'
    )
    assert names() == ["tickets"]


def test_a_format_of_another_kind_is_refused(more: Path) -> None:
    more.write_text(PUBLISHED["conll"])
    assert refused("conll", more, "--add-to", "tickets") == (
        f'{more}: holds rows of the kind spans, and task "tickets" is of the kind classify; add '
        "them to another"
    )


@pytest.mark.parametrize("kind", [kind for kind in tiny_tasks.tasks() if kind != "episodes"])
def test_rows_of_every_kind_are_added(home: Path, tmp_path: Path, kind: str) -> None:
    found = tiny_tasks.imported(kind)
    with database.open(locations.store_path()) as db:
        was = load(db, save(db, found))
        texts = list(zip(was.rows.values(), WORDS[:4], strict=False))
        added = [_as_row(row, f"{word} ") for row, word in texts]
        imported("jsonl", lines(tmp_path / "more.jsonl", added), "--add-to", was.task.name)
        now = load(db, was.task.name)
    assert len(now.rows) == len(was.rows) + 4
    assert now.task == was.task and now.seed.target == was.seed.target
    assert [case.id for case in now.cases["test"]] == [case.id for case in was.cases["test"]]


def _as_row(row: Any, before: str) -> dict[str, Any]:
    """A row as JSON Lines has it, with other words before its text, and in a group of its own."""
    found = {
        "text": before + row.text, "group": before, "choices": list(row.choices) or None,
        "question": row.question, "label": row.label or list(row.labels),
        "answer": list(row.answers), "reasoning": row.reasoning,
    }  # fmt: skip
    at = len(before)
    if row.head:
        found |= {"head": [n + at for n in row.head], "tail": [n + at for n in row.tail]}
    return {**found, "spans": [[start + at, end + at, type] for start, end, type in row.spans]}
