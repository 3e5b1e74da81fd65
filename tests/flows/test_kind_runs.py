"""Runs of every new kind of task over the real runner: killed, resumed, shown, scored, replayed."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tiny_tasks
from click.testing import CliRunner
from scripted_home import MODEL, Script, plan, reset

from appliance import locations
from appliance.cli import strop
from appliance.data.tasks import load, save
from appliance.prompts.prompt import Prompt
from appliance.run import client
from appliance.statistics.metrics import NAMES
from appliance.verdict.verdict import Verdict
from store import check, database, events, prompts, runs, verdicts

KINDS = ("episodes", "several", "answer", "reading", "spans")
BUDGET = 60_000
"""Tokens."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a queued run of each kind."""
    home = tmp_path_factory.mktemp("planned") / "home"
    with pytest.MonkeyPatch.context() as patch:
        script = Script(home).at_home(patch)
        with database.open(locations.store_path()) as db:
            for kind in KINDS:
                save(db, tiny_tasks.imported(kind))
            for run in plan(script, patch, [tiny_tasks.tasks()[kind].name for kind in KINDS]):
                reset(db, run, BUDGET)
    return home


def worked(planned: Path, home: Path, patch: pytest.MonkeyPatch, *kills: int) -> Path:
    """A copy of the store whose runs are worked on to their end, over so many deaths."""
    shutil.copytree(planned, home)
    script = Script(home).at_home(patch)
    (script.faults / "calls").write_text("")
    for after in kills:
        script.kill("runner", after)
        assert script.run_to_rest() == -signal.SIGKILL
    assert script.run_to_rest() == 0, (home / "log").read_text()
    return home


@pytest.fixture(scope="module")
def ended(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        return worked(planned, tmp_path_factory.mktemp("ended") / "home", patch)


@pytest.fixture
def db(ended: Path, monkeypatch: pytest.MonkeyPatch):
    Script(ended).at_home(monkeypatch)
    with database.open(locations.store_path()) as opened:
        yield opened


def endings() -> dict[str, tuple[str | None, str]]:
    """Of each task the run's best prompt and its verdict."""
    with database.open(locations.store_path()) as db:
        assert check.check(db) == []
        return {
            run.task_id: (run.best_prompt, verdicts.get(db, run.id).content) for run in runs.all(db)
        }


def of(db: Any, kind: str) -> tuple[Any, Any]:
    """The task and its run."""
    loaded = load(db, tiny_tasks.tasks()[kind].name)
    return loaded, next(run for run in runs.all(db) if run.task_id == loaded.id)


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(strop, [*arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_any_kind_ends_with_a_verdict_by_its_own_metric(db, kind):
    loaded, run = of(db, kind)
    assert run.status == "finished", run.error
    verdict = msgspec.json.decode(verdicts.get(db, run.id).content, type=Verdict)
    assert verdict.metric == loaded.task.metric
    assert verdict.n == len(loaded.cases["test"]) == len(verdict.answers)
    best = msgspec.json.decode(prompts.get(db, run.best_prompt).content, type=Prompt)
    at_once = loaded.task.several and best.readout == "hidden"
    assert best.form == ("choice" if at_once else loaded.seed.form)
    assert verdict.best.prompt == best.id


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_that_is_told_is_stored_with_the_interval_it_was_told_with(db, kind):
    loaded, run = of(db, kind)
    stored = {(e.prompt_id, e.n, e.value, e.low, e.high) for e in runs.evaluations(db, run.id)}
    told = [json.loads(e.content) for e in events.since(db, 0, run.id) if e.kind == "candidate"]
    assert len(told) > 5 and {body["metric"] for body in told} == {loaded.task.metric}
    for body in told:
        assert (body["prompt"], body["n"], body["value"], *body["interval"]) in stored
        assert 0 <= body["interval"][0] <= body["value"] <= body["interval"][1] <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_shown_in_the_words_of_its_metric(db, kind):
    loaded, run = of(db, kind)
    text = invoke("runs", "show", run.id)
    assert f"  {NAMES[loaded.task.metric]} " in text and "verdict: " in text
    assert ("accuracy" in text) == (loaded.task.metric == "accuracy")


def test_runs_that_are_killed_end_as_those_that_are_not(planned, db, tmp_path, monkeypatch):
    expected = endings()
    worked(planned, tmp_path / "killed", monkeypatch, 40, 90)
    assert endings() == expected


@pytest.fixture
def at_work(ended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A copy of the store with a runner that answers commands."""
    shutil.copytree(ended, tmp_path / "asked")
    script = Script(tmp_path / "asked").at_home(monkeypatch)
    monkeypatch.setattr(client, "runner_is_alive", lambda: True)
    monkeypatch.setattr(client, "POLL", 0.01)
    runner = script.start_runner(idle=60.0)
    with database.open(locations.store_path()) as opened:
        yield opened
    runner.kill()
    runner.wait()


def test_prompts_of_any_kind_are_scored_and_their_runs_are_replayed(at_work):
    for kind in KINDS:
        loaded, run = of(at_work, kind)
        split = ("--task", loaded.task.name, "--split", "selection", "--model", MODEL)
        both = dict.fromkeys((run.seed_prompt, run.best_prompt))
        found = json.loads(invoke("eval", *both, *split, "--json"))
        assert found["metric"] == loaded.task.metric
        assert [entry["prompt"] for entry in found["prompts"]] == list(both)
        for entry in found["prompts"]:
            assert 0 <= entry["low"] <= entry["value"] <= entry["high"] <= 1
            assert len(entry["cases"]) == entry["n"] == len(loaded.cases["selection"])
        text = invoke("eval", run.seed_prompt, *split, "--examples")
        assert NAMES[loaded.task.metric] in text and "rows/s" in text
        again = json.loads(invoke("replay", run.id, "--json"))
        assert again["same"] and again["differences"] == [] and again["scores"] > 0


def test_a_prompt_is_fitted_to_a_model_and_answers_by_its_map(at_work):
    save(at_work, tiny_tasks.imported("relation"))
    loaded = load(at_work, "firms")
    given = ("--task", loaded.task.name, "--model", MODEL)
    told = invoke("prompt", "fit", loaded.seed.id, *given)
    n = sum(len(loaded.cases[split]) for split in ("tuning", "selection"))
    n += len([row for rows in loaded.demonstrations.values() for row in rows])
    n -= len(loaded.seed.shots)
    assert f"tuning and selection rows, n {n}" in told and "accuracy" in told
    found = json.loads(invoke("prompt", "fit", loaded.seed.id, *given, "--json"))
    assert found["n"] == n and found["prompt"] in told
    shown = json.loads(invoke("prompt", "show", found["prompt"], "--json"))
    assert shown["operator"] == "fit" and shown["parent"] == loaded.seed.id
    split = ("--split", "selection", "--json")
    [entry] = json.loads(invoke("eval", found["prompt"], *given, *split))["prompts"]
    assert entry["fitted_on"] == ["tuning", "selection"] and entry["value"] >= found["value"]


def test_the_first_yes_counts_only_where_it_is_asked_for(at_work):
    loaded, _ = of(at_work, "episodes")
    prompt = msgspec.to_builtins(msgspec.structs.replace(loaded.seed, threshold=-99.0))
    path = Path(locations.home()) / "eager.json"
    path.write_text(json.dumps(prompt))
    split = ("--task", loaded.task.name, "--split", "selection", "--model", MODEL, "--json")
    for options, said in (((), {"#multiple#"}), (("--first-yes",), {c.labels[0] for c in
                          loaded.cases["selection"]})):  # fmt: skip
        [entry] = json.loads(invoke("eval", str(path), *split, *options))["prompts"]
        assert {case["predicted"] for case in entry["cases"]} == said
