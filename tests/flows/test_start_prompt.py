"""A run that begins with a prompt of the user's own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import tiny_tasks
from click.testing import CliRunner
from scripted_home import Script, plan, reset

from appliance import locations
from appliance.cli import strop
from appliance.data.tasks import save
from appliance.errors import InputError
from appliance.prompts.prompt import Prompt, Section
from appliance.verdict.verdict import Verdict
from store import database, prompts, runs, verdicts

MINE = Prompt((Section("task", "What is it about?\n"),), "Note: {text}\nTopic: {label}\n")
RELATION = Prompt((), "{text}\n{head} to {tail}: {label}\n")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script(tmp_path / "home").at_home(monkeypatch)
    with database.open(locations.store_path()) as db:
        save(db, tiny_tasks.imported("classify"))
    return script


def test_a_run_begins_with_the_given_prompt_is_judged_against_it(script, monkeypatch):
    [run] = plan(script, monkeypatch, ["topics"], prompt=msgspec.to_builtins(MINE))
    with database.open(locations.store_path()) as db:
        reset(db, run, 60_000)
        assert script.run_to_rest() == 0
        record = runs.get(db, run)
        verdict = msgspec.json.decode(verdicts.get(db, run).content, type=Verdict)
        assert record.seed_prompt == MINE.id
        # Where the seed stands, it is judged under the id that its probabilities gave it.
        for prompt in (verdict.seed.prompt, verdict.best.prompt):
            line = prompts.lineage(db, record.task_id, prompt)
            assert MINE.id in [ancestor.id for ancestor in line]


def test_a_prompt_of_another_kind_of_task_begins_no_run(script, monkeypatch):
    with pytest.raises(InputError, match=r"has the slot \{head\}, and rows of topics have no head"):
        plan(script, monkeypatch, ["topics"], prompt=msgspec.to_builtins(RELATION))
    with database.open(locations.store_path()) as db:
        assert runs.all(db) == []


def test_a_folder_of_several_prompts_begins_no_run(script, tmp_path):
    for name, prompt in (("a", MINE), ("b", RELATION)):
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(prompt))
    asked = CliRunner().invoke(strop, ["tune", "topics", "--prompt", str(tmp_path)])
    assert asked.exit_code == 2
    assert f"{tmp_path} holds 2 prompts: name one of them" in asked.stderr
