"""Prompts of every form as ``strop prompt`` shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import tiny_tasks
from click.testing import CliRunner, Result

from appliance import locations
from appliance.cli import strop
from appliance.data.tasks import load, save
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from store import database, prompts

SCORED = {
    "relation": "direct",
    "episodes": "direct",
    "classify": "direct",
    "several": "direct",
    "answer": "answered after reasoning",
    "choice": "answered at once",
    "reading": "answered at once",
    "spans": "answered at once",
}


@pytest.fixture
def db() -> Iterator[Any]:
    opened = database.open(locations.store_path())
    yield opened
    opened.conn.close()


@pytest.fixture(params=SCORED)
def loaded(db: Any, request: pytest.FixtureRequest) -> Loaded:
    save(db, tiny_tasks.imported(request.param))
    return load(db, tiny_tasks.tasks()[request.param].name)


def keep(db: Any, loaded: Loaded, prompt: Prompt) -> str:
    prompts.add(db, id=prompt.id, task_id=loaded.id, content=msgspec.json.encode(prompt).decode())
    return prompt.id


def show(*arguments: str) -> Result:
    result = CliRunner().invoke(strop, ["prompt", *arguments])
    assert result.exit_code == 0, result.stderr
    return result


def test_a_prompt_of_any_form_is_shown_with_its_parts_and_rules(db, loaded):
    text = show("show", keep(db, loaded, loaded.seed)).stdout
    assert text.startswith(f"[task]\n{loaded.seed.section('task').strip()}")
    assert f"[example]\n{loaded.seed.example.rstrip()}" in text
    kind = next(k for k, task in tiny_tasks.tasks().items() if task == loaded.task)
    assert f"scoring: {SCORED[kind]}\n" in text
    assert ("yes above: +0.00 nats" in text) == (loaded.seed.form == "yesno")
    assert ("calibration weight" in text) == (loaded.seed.form != "written")


def test_a_prompt_of_any_form_is_rendered_with_its_demonstrations_up_to_what_is_asked(db, loaded):
    result = show("show", keep(db, loaded, loaded.seed), "--rendered")
    assert result.stdout.endswith(loaded.seed.stem + "\n")
    for row in loaded.seed.shots:
        assert loaded.rows[row].text in result.stdout


def test_the_document_holds_the_prompt_whole(db, loaded):
    found = json.loads(show("show", keep(db, loaded, loaded.seed), "--json").stdout)
    assert msgspec.convert(found["body"], Prompt) == loaded.seed
    assert found["rendered"].endswith(loaded.seed.stem)


def test_what_was_fitted_is_shown_and_its_changes_are_told(db):
    save(db, tiny_tasks.imported("classify"))
    loaded = load(db, "topics")
    fitted = msgspec.structs.replace(
        loaded.seed, reverse="{label}: {text}\n", channel_weight=0.25, weight=0.5,
        bias=(1.0, 0.0, -1.0), temperature=2.5, abstain=0.4, words=("t", "s", "w"),
    )  # fmt: skip
    text = show("show", keep(db, loaded, fitted)).stdout
    for line in (
        "[channel]\n{label}: {text}\n",
        "scoring: direct with contextual calibration and batch calibration, channel 0.25\n",
        "temperature: 2.5; withheld below probability 0.4\n",
        "words: t, s, w\n",
    ):
        assert line in text
    changes = show("diff", keep(db, loaded, loaded.seed), fitted.id).stdout
    assert "+temperature: 2.5; withheld below probability 0.4" in changes
