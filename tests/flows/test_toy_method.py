"""A search method that is added in this file alone runs, is resumed and is shown in the window."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import msgspec
import pytest
import tiny_tasks
from scripted_home import Script, plan, reset
from textual.widgets import DataTable

from appliance import locations
from appliance.data.tasks import save
from appliance.errors import InputError
from appliance.run.messages import Inputs
from appliance.search.candidate import Proposal
from appliance.search.frame import Method
from appliance.search.instructions import clean, instructed
from appliance.search.methods import METHODS
from store import database, events, journal, runs, verdicts
from tui.app import StropApp


def propose(lab):
    while True:
        [best] = lab.best()
        replies = lab.write(f"Improve: {best.prompt.section('task')}", n=3, max_tokens=24)
        texts = [f"{clean(reply)} Try {lab.random.randrange(1000)}." for reply in replies]
        yield [
            Proposal(instructed(lab.task, best.prompt, text), "toy", "task", (best,))
            for text in texts
        ]


METHODS["toy"] = Method(propose, written=3)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("toy") / "home"
    with pytest.MonkeyPatch.context() as patch:
        script = Script(home).at_home(patch)
        by_name(patch)
        with database.open(locations.store_path()) as db:
            save(db, tiny_tasks.imported("relation"))
            [run] = plan(script, patch, [tiny_tasks.tasks()["relation"].name], methods=("toy",))
            reset(db, run, 60_000)
    return home


def by_name(patch: pytest.MonkeyPatch) -> None:
    """The runner imports this file, so that it knows the method."""
    patch.setenv("STROP_METHODS", Path(__file__).stem)


def ended(planned: Path, home: Path, patch: pytest.MonkeyPatch, *kills: int):
    """The run's journal, its best prompt, its verdict and the operators that it told of."""
    shutil.copytree(planned, home)
    script = Script(home).at_home(patch)
    by_name(patch)
    (script.faults / "calls").write_text("")
    for after in kills:
        script.kill("runner", after)
        assert script.run_to_rest() == -signal.SIGKILL
    assert script.run_to_rest() == 0, (home / "log").read_text()
    with database.open(locations.store_path()) as db:
        [run] = runs.all(db)
        assert run.status == "finished", run.error
        calls = [(entry.key, entry.reply) for entry in journal.entries(db, run.id)]
        told = [json.loads(e.content) for e in events.since(db, 0, run.id) if e.kind == "candidate"]
        operators = [candidate["operator"] for candidate in told]
        return calls, run.best_prompt, verdicts.get(db, run.id).content, operators


def test_a_run_by_the_toy_method_alone_ends_with_a_verdict(planned, tmp_path, monkeypatch):
    calls, best, verdict, operators = ended(planned, tmp_path / "whole", monkeypatch)
    assert calls and best and json.loads(verdict)["words"]
    assert operators.count("toy") > 6
    assert not {"format", "mutate", "induce", "rewrite"} & set(operators)


def test_a_run_by_the_toy_method_that_is_killed_twice_ends_the_same(planned, tmp_path, monkeypatch):
    whole = ended(planned, tmp_path / "whole", monkeypatch)
    assert ended(planned, tmp_path / "killed", monkeypatch, 3, 9) == whole


async def test_the_window_shows_what_the_toy_method_tried(planned, tmp_path, monkeypatch):
    ended(planned, tmp_path / "shown", monkeypatch)
    with database.open(locations.store_path()) as db:
        app = StropApp(db)
        async with app.run_test(size=(120, 40)) as pilot:
            table = app.screen.query_one("#candidates", DataTable)
            for _ in range(100):
                await pilot.pause()
                if table.row_count:
                    break
            rows = [[str(cell) for cell in table.get_row_at(i)] for i in range(table.row_count)]
    assert sum("toy" in row for row in rows) > 6


def test_the_methods_that_a_run_was_given_are_among_its_inputs(planned, monkeypatch):
    Script(planned).at_home(monkeypatch)
    with database.open(locations.store_path()) as db:
        [run] = runs.all(db)
        assert msgspec.json.decode(run.inputs, type=Inputs).methods == ("toy",)


def test_a_method_that_nobody_knows_is_refused_by_name(tmp_path, monkeypatch):
    script = Script(tmp_path / "home").at_home(monkeypatch)
    with database.open(locations.store_path()) as db:
        save(db, tiny_tasks.imported("relation"))
        name = tiny_tasks.tasks()["relation"].name
        with pytest.raises(InputError, match="there is no search method 'magic'; choose among"):
            plan(script, monkeypatch, [name], methods=("magic",))
