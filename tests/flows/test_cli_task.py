"""``strop task``: what is there, the prompt that a task starts from, and removal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_tasks
from click.testing import CliRunner, Result

from appliance import locations
from appliance.cli import strop
from appliance.data.tasks import load, save
from appliance.prompts.loaded import Loaded
from appliance.run.messages import Tune, encode
from store import commands, database, prompts, runs, tasks


@pytest.fixture
def db() -> Iterator[Any]:
    opened = database.open(locations.store_path())
    yield opened
    opened.conn.close()


@pytest.fixture
def topics(db: Any) -> Loaded:
    save(db, tiny_tasks.imported("classify"))
    return load(db, "topics")


def run(*arguments: object, asked: str | None = None) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments], input=asked)
    assert "Traceback" not in result.output
    return result


def document(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def started(db: Any, topics: Loaded, status: str) -> None:
    seed = topics.seed.id
    given = {"id": "r1", "inputs": "{}", "budget": 1.0, "status": status}
    runs.create(db, task_id=topics.id, seed_prompt=seed, **given)


def test_the_prompt_that_a_task_starts_from_can_be_shown_and_changed(
    topics: Loaded, tmp_path: Path
) -> None:
    seed = document("task", "show", "topics")["seed_prompt"]
    assert seed == topics.seed.id
    shown = document("prompt", "show", seed[:6])
    assert shown["operator"] == "seed" and shown["rows"] == sorted(topics.seed.shots)
    mine = tmp_path / "mine.json"
    shown["body"]["sections"][0]["text"] = "What is it about? {labels}\n\n"
    mine.write_text(json.dumps(shown))
    result = run("eval", mine, "--task", "topics", "--split", "selection")
    assert "no model on this machine yet" in result.stderr, "it is read as a prompt"


def test_a_removed_task_is_gone_with_its_rows_and_its_prompts(db: Any, topics: Loaded) -> None:
    started(db, topics, "finished")
    save(db, tiny_tasks.imported("answer"))
    found = document("task", "remove", "topics", "--yes")
    assert (found["task"], found["rows"], found["runs"]) == ("topics", len(topics.rows), 1)
    assert [record.name for record in tasks.all(db)] == ["sums"]
    assert runs.get(db, "r1") is None and prompts.get(db, topics.seed.id) is None
    assert topics.rows[next(iter(topics.rows))].text.encode() not in (
        locations.store_path().read_bytes()
    )


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_task_that_is_being_worked_on_stays(db: Any, topics: Loaded, status: str) -> None:
    started(db, topics, status)
    result = run("task", "remove", "topics", "--yes")
    assert result.exit_code == 2 and "strop runs stop r1" in result.stderr
    assert [record.name for record in tasks.all(db)] == ["topics"]


def test_a_task_of_which_a_run_is_being_planned_stays(db: Any, topics: Loaded) -> None:
    asked = Tune(task="topics", model="smollm2-135m", minutes=5.0, seed=1)
    commands.enqueue(db, "tune", encode(asked))
    result = run("task", "remove", "topics", "--yes")
    assert result.exit_code == 2 and 'a run of "topics" is being planned' in result.stderr
    assert [record.name for record in tasks.all(db)] == ["topics"]


def test_bytes_that_a_reader_kept_can_be_removed_afterwards(db: Any, topics: Loaded) -> None:
    text = topics.rows[next(iter(topics.rows))].text.encode()
    assert run("task", "remove", "topics", "--yes").exit_code == 0
    again = run("task", "remove", topics.id, "--yes")
    assert again.exit_code == 0 and f"the bytes of task {topics.id} are gone" in again.stdout
    assert text not in locations.store_path().read_bytes()


def test_nothing_is_removed_unasked(db: Any, topics: Loaded) -> None:
    result = run("task", "remove", "topics")
    assert result.exit_code == 2 and "give --yes" in result.stderr
    assert [record.name for record in tasks.all(db)] == ["topics"]


def test_a_task_that_is_not_there_cannot_be_removed() -> None:
    result = run("task", "remove", "nothing", "--yes")
    assert result.exit_code == 2 and 'there is no task "nothing"' in result.stderr
