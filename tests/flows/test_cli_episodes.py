"""Few-shot protocols at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from few_shot_files import NONE, FewRelFiles, TacredFiles

from appliance import locations
from appliance.cli import strop
from appliance.data import tasks
from appliance.data.protocols.common import Files
from appliance.data.protocols.fewrel import read_fewrel
from appliance.data.protocols.fs_fewrel import read_fs_fewrel
from appliance.data.protocols.fs_tacred import read_fs_tacred
from store import database

SMALL = ("--episodes-per-file", "4", "--dev-episodes-per-file", "2")


@pytest.fixture
def fewrel(tmp_path: Path) -> dict[str, Path]:
    return FewRelFiles(tmp_path).write()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(strop, ["task", "import", *map(str, arguments)])


def imported(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def refused(*arguments: object) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def test_options_of_fewrel_reach_the_sampler(fewrel: dict[str, Path]) -> None:
    rows, names = fewrel["rows"], fewrel["names"]
    said = imported(
        "fewrel", rows, "--names", names, "--ways", 2, "--shots", 3, "--na-rate", 5, "--seed", 4,
        "--test", fewrel["other"], "--name", "far",
    )  # fmt: skip
    read = read_fewrel(
        rows, names, name="far", ways=2, shots=3, na_rate=5, seed=4, test=fewrel["other"]
    )
    loaded = tasks.load(database.open(locations.store_path()), "far")
    assert loaded.task == read.task
    assert said["benchmark"] == read.task.benchmark == "FewRel to other, 2-way 3-shot, na_rate 5"
    assert {case.id for case in loaded.cases["test"]} == {case.id for case in read.cases["test"]}


def test_options_of_fs_fewrel_reach_the_sampler(fewrel: dict[str, Path]) -> None:
    rows, names = fewrel["rows"], fewrel["names"]
    imported(
        "fewrel", rows, "--names", names, "--protocol", "fs-fewrel", "--ways", 2, *SMALL,
        "--none-share", 0.5, "--relations", fewrel["lists"], "--name", "few",
    )  # fmt: skip
    read = read_fs_fewrel(
        rows, names, name="few", seed=0, ways=2, files=Files(4, 2), none_share=0.5,
        relations=fewrel["lists"],
    )  # fmt: skip
    loaded = tasks.load(database.open(locations.store_path()), "few")
    assert loaded.task == read.task
    for split, cases in read.cases.items():
        ids = {(case.id, case.part) for case in loaded.cases[split]}
        assert ids == {(case.id, case.part) for case in cases}


def test_options_of_fs_tacred_reach_the_sampler(tmp_path: Path) -> None:
    paths = TacredFiles(tmp_path).write()
    types = tmp_path / "types.json"
    types.write_text(json.dumps({"per:age": [["PERSON", "NUMBER"]]}))
    said = imported("fs-tacred", *paths, "--shots", 5, *SMALL, "--types", types)
    assert (said["task"], said["may_ship"]) == ("fs-tacred", 0)
    read = read_fs_tacred(*paths, name="fs-tacred", shots=5, files=Files(4, 2), types=types)
    loaded = tasks.load(database.open(locations.store_path()), "fs-tacred")
    assert loaded.task == read.task
    assert {case.id for case in loaded.cases["test"]} == {case.id for case in read.cases["test"]}
    assert said["notes"][-1].startswith(f"none of the above ({NONE}): ")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("--episodes E --ways 3", "--ways says nothing beside --episodes; leave one of them out"),
        ("--episodes E --test T", "--test says nothing beside --episodes"),
        ("--episodes E --protocol fs-fewrel", "--episodes says nothing beside --protocol fs-few"),
        ("--protocol fs-fewrel --na-rate 1", "--na-rate says nothing beside --protocol fs-fewrel"),
        ("--none-share 0.5", "--none-share says nothing beside --protocol fewrel"),
        ("--dev-episodes-per-file 5", "--dev-episodes-per-file says nothing beside --protocol few"),
        ("--test-names N", "--test-names has the names of the relations of --test; give both"),
        ("--ways 1", "--ways"),
        ("--shots 0", "--shots"),
        ("--na-rate 3", "--na-rate"),
        ("--none-share 1", "--none-share"),
        ("--none-share nan --protocol fs-fewrel", "--none-share': nan is no number"),
    ],
)
def test_options_that_do_not_go_together_or_out_of_range_are_refused(
    fewrel: dict[str, Path], given: str, what: str
) -> None:
    said = refused("fewrel", fewrel["rows"], "--names", fewrel["names"], *given.split())
    assert what in said


def test_wrong_rows_of_fewrel_are_skipped_and_recorded_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    files = FewRelFiles(tmp_path)
    files.rows["P0"][3]["h"][2] = [[99]]
    files.rows["P1"][0]["t"][2] = [[0, 1]]
    files.other["Q1"][5] = {"tokens": "text"}
    paths = files.write()
    fewrel = ("fewrel", paths["rows"], "--names", paths["names"])
    said = refused(*fewrel)
    assert "2 rows are wrong; nothing was imported" in said
    assert 'relation "P0", row 3: "' in said and "is outside the sentence of 4 tokens" in said
    assert 'relation "P1", row 0: "' in said and '" and "club" share a token; mark two' in said
    found = imported(*fewrel, "--ways", 2, "--on-error", "skip", "--name", "one")
    assert (found["skipped"], found["notes"][0]) == (2, "wrong rows skipped: 2")
    few = ("--protocol", "fs-fewrel", "--ways", 2, *SMALL, "--test", paths["other"])
    imported(*fewrel, *few, "--on-error", "skip", "--name", "two")
    shown = CliRunner().invoke(strop, ["task", "show", "two", "--skipped"]).stdout
    assert 'other.json, relation "Q1", row 5: tokens is a string, not a list' in shown


def test_wrong_rows_of_tacred_are_skipped_and_recorded_with_their_files(tmp_path: Path) -> None:
    files = TacredFiles(tmp_path)
    files.rows["dev"][-1]["subj_end"] = 99
    files.rows["test"][-1]["obj_start"] = 1
    paths = files.write()
    assert "dev.json: 1 row is wrong; nothing was imported" in refused("fs-tacred", *paths)
    found = imported("fs-tacred", *paths, *SMALL, "--on-error", "skip")
    assert (found["skipped"], found["notes"][0]) == (2, "wrong rows skipped: 2")
    shown = CliRunner().invoke(strop, ["task", "show", "fs-tacred", "--skipped"]).stdout
    assert "dev.json, row " in shown and "test.json, row " in shown


def test_nothing_is_stored_of_what_is_refused(fewrel: dict[str, Path]) -> None:
    said = refused("fewrel", fewrel["rows"], "--names", fewrel["names"], "--ways", 4)
    assert "4-way episodes need 4 relations in each split, tuning gets 3" in said
    assert not locations.store_path().exists()
