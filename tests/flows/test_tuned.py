"""What answers where a person names a run, a prompt, a task or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from scripted_answers import BEST, RUN, SEED, add_model, create_run, play, rows

from appliance import locations
from appliance.cli import strop
from appliance.cli.output import Output
from appliance.cli.predict.tuned import Tuned, tuned
from appliance.cli.prompt_files import prompt_given
from appliance.errors import InputError
from appliance.prompts.linear_map import LinearMap
from store import database, runs, tasks


@pytest.fixture
def db(home: Path, tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "firms.jsonl").write_text(rows())
    done = CliRunner().invoke(strop, ["task", "import", "jsonl", str(tmp_path / "firms.jsonl")])
    assert done.exit_code == 0
    add_model()
    opened = database.open(locations.store_path())
    create_run(opened, "firms")
    yield opened
    opened.conn.close()


def found(db: Any, given: str | None, model: str | None = None) -> Tuned:
    return tuned(Output(False), db, given, None, model)


@pytest.mark.parametrize("given", [None, "firms", RUN, RUN[:3], BEST.id, BEST.id[:6]])
def test_the_best_prompt_of_a_run_answers_with_the_model_it_was_tuned_for(db, capsys, given):
    play(db)
    chosen = found(db, given)
    assert chosen.prompt == BEST
    told = capsys.readouterr().err
    assert f"prompt {BEST.id} of run {RUN}" in told and "note:" not in told


def imported(tmp_path: Path, name: str, labels: tuple[str, ...]) -> None:
    (tmp_path / f"{name}.jsonl").write_text(rows(labels))
    command = ["task", "import", "jsonl", str(tmp_path / f"{name}.jsonl")]
    assert CliRunner().invoke(strop, command).exit_code == 0


def test_a_task_without_a_prompt_means_the_last_run_of_that_task(db, tmp_path):
    """Not the last run of any other task, whose labels would be called by this one's names."""
    imported(tmp_path, "parts", ("contains", "touches"))
    play(db)
    with pytest.raises(InputError, match='no run of "parts" has a verdict yet'):
        tuned(Output(False), db, None, "parts", None)
    assert tuned(Output(False), db, None, "firms", None).prompt == BEST


@pytest.mark.parametrize("fitted", [{"bias": (0.1, -0.1)}, {"words": ("has", "pays")}])
@pytest.mark.parametrize("by", ["run", "prompt", "file"])
def test_a_prompt_that_was_fitted_to_other_labels_is_refused(db, tmp_path, fitted, by):
    imported(tmp_path, "parts", ("contains", "touches"))
    imported(tmp_path, "again", ("owns", "employs"))
    best = msgspec.structs.replace(BEST, **fitted)
    play(db, best=best)
    (tmp_path / "best.json").write_bytes(msgspec.json.encode(best))
    given = {"run": RUN, "prompt": best.id, "file": str(tmp_path / "best.json")}[by]
    with pytest.raises(InputError) as refusal:
        tuned(Output(False), db, given, "parts", None)
    assert 'fitted to the labels of "firms", and "parts" has others' in str(refusal.value)
    assert f"set its {next(iter(fitted))} to []" in str(refusal.value)
    assert "prompt fit" not in str(refusal.value)
    assert tuned(Output(False), db, given, "again", None).prompt == best


def test_a_prompt_without_anything_fitted_answers_another_task(db, tmp_path):
    imported(tmp_path, "parts", ("contains", "touches"))
    play(db)
    assert tuned(Output(False), db, BEST.id, "parts", None).prompt == BEST


def test_another_model_than_the_one_a_prompt_was_tuned_for_is_noted(db, capsys):
    play(db)
    used = found(db, RUN).model
    with pytest.raises(InputError, match="there is no model"):
        found(db, RUN, "another")
    assert f"it was tuned for {used}, and nothing measured it with another" in (
        capsys.readouterr().err
    )


def test_a_prompt_that_no_run_ended_with_answers_too(db):
    play(db)
    assert found(db, SEED.id).prompt == SEED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "no run has a verdict yet"),
        ("firms", 'no run of "firms" has a verdict yet'),
        (RUN, f"run {RUN} has no verdict yet"),
        ("zzz", 'there is no run, prompt or task "zzz"'),
    ],
)
def test_what_cannot_answer_yet_is_said(db, given, said):
    with pytest.raises(InputError, match=said):
        found(db, given)


@pytest.mark.parametrize("words", [(), ("has", "pays")])
def test_a_map_of_other_labels_is_refused_with_what_fits_another(db, tmp_path, words):
    imported(tmp_path, "parts", ("contains", "touches"))
    found = LinearMap("ab" * 32, 1, bytes(4 * 2 * 2))
    best = msgspec.structs.replace(BEST, readout="hidden", map=found, words=words)
    play(db, best=best)
    with pytest.raises(InputError) as refusal:
        tuned(Output(False), db, best.id, "parts", None)
    fit = f"strop prompt fit {'FILE' if words else best.id} --task parts"
    assert f"fit a map to its rows: {fit}" in str(refusal.value)
    assert ("set its words to []" in str(refusal.value)) == bool(words)
    task = tasks.get(db, "parts")
    if words:
        with pytest.raises(InputError, match="set its words to"):
            prompt_given(db, best.id, task, to_be_fitted=True)
    else:
        assert prompt_given(db, best.id, task, to_be_fitted=True) == best


def test_several_runs_that_begin_so_are_told_and_not_that_there_is_none(db):
    play(db)
    first = runs.get(db, RUN)
    fields = {name: getattr(first, name) for name in ("task_id", "inputs", "seed_prompt", "budget")}
    runs.create(db, id=RUN[:3] + "fffff", status="queued", **fields)
    with pytest.raises(InputError, match="several runs"):
        found(db, RUN[:3])


def test_a_prompt_with_a_large_map_can_be_brought_as_a_file(db, tmp_path):
    fitted = LinearMap("ab" * 32, 8192, bytes(4 * 8193 * 100))
    large = msgspec.structs.replace(SEED, readout="hidden", map=fitted)
    (path := tmp_path / "large.json").write_bytes(msgspec.json.encode(large))
    assert path.stat().st_size > 4_000_000
    assert prompt_given(db, str(path), tasks.get(db, "firms")) == large
