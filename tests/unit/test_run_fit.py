"""A prompt gets a map of the states of a model's file."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import tiny_tasks
from host_in_process import HostInProcess, tiny_model
from scripted_model import ScriptedModel

from appliance import locations
from appliance.data.records import judged_prompt
from appliance.data.tasks import load, save
from appliance.errors import InputError
from appliance.evaluate import lengths as lengths_module
from appliance.host.host import Host
from appliance.prompts.prompt import Prompt
from appliance.run.fit import fit_to_model
from appliance.run.messages import FitMap
from appliance.scoring.hidden import check_map
from store import database, prompts

HASHES = {"one": "1" * 64, "other": "2" * 64}


@pytest.fixture
def db(home):
    with database.open(locations.store_path()) as opened:
        for name in ("relation", "episodes"):
            save(opened, tiny_tasks.imported(name))
        yield opened


@pytest.fixture
def host(tmp_path):
    return HostInProcess(ScriptedModel(tmp_path), [tiny_model(*one) for one in HASHES.items()])


def fitted(db: Any, host: Host, prompt: Prompt, name: str = "one") -> Prompt:
    return judged_prompt(db, fit_to_model(db, host, FitMap("firms", name, prompt)).prompt)


def test_a_prompt_that_another_file_refuses_is_fitted_to_it(db, host):
    seed = load(db, "firms").seed
    first = fitted(db, host, seed)
    check_map(first, "one", HASHES["one"])
    with pytest.raises(InputError, match="strop prompt fit PROMPT --task TASK --model other"):
        check_map(first, "other", HASHES["other"])
    second = fitted(db, host, first, "other")
    check_map(second, "other", HASHES["other"])
    assert second.map.values == first.map.values and second.example == seed.example
    line = prompts.lineage(db, load(db, "firms").id, second.id)
    assert [(one.id, one.operator) for one in line[1:]] == [(first.id, "fit"), (second.id, "fit")]


def test_the_map_is_of_all_rows_but_those_shown_and_those_of_the_test_split(db, host):
    loaded = load(db, "firms")
    kept = [row for rows in loaded.demonstrations.values() for row in rows]
    for shots in ((), tuple(kept[:2])):
        told: list[str] = []
        host.pool.calls.clear()
        host.note = told.append
        prompt = msgspec.structs.replace(loaded.seed, shots=shots)
        answer = fit_to_model(db, host, FitMap("firms", "one", prompt))
        asked = sum(len(call.places) for call in host.pool.calls)
        unlocked = len(loaded.cases["tuning"]) + len(loaded.cases["selection"])
        assert answer.n == asked == unlocked + len(kept) - len(shots)
        assert told == [f"reading {asked} rows of firms by one"]
        assert answer.low <= answer.value <= answer.high


def test_a_prompt_from_elsewhere_has_no_parent(db, host):
    mine = Prompt((), "{text}\n{head} and {tail}: {label}\n", readout="hidden")
    stored = prompts.get(db, fitted(db, host, mine).id)
    assert stored.parent_id is None and prompts.get(db, mine.id) is None


@pytest.mark.parametrize(
    ("task", "prompt", "message"),
    [
        ("few", None, "few cannot be read off hidden states: its episodes have labels of their"),
        ("firms", Prompt((), "{text}\n{label}? {answer}\n"), "no hidden state can be read of"),
        ("firms", Prompt((), "{text}\n{question}\n{label}\n"), "rows of firms have no question"),
    ],
)
def test_what_has_no_states_to_read_is_refused_before_anything_is_read(
    db, host, task, prompt, message
):
    with pytest.raises(InputError, match=message):
        fit_to_model(db, host, FitMap(task, "one", prompt or load(db, task).seed))
    assert host.pool.calls == []


def test_a_row_that_the_prompt_shows_is_not_read_and_may_not_be_one_of_the_test_split(db, host):
    loaded = load(db, "firms")
    answers = []
    for split in ("tuning", "selection"):
        shown = (loaded.cases[split][0].query.id,)
        prompt = msgspec.structs.replace(loaded.seed, shots=shown)
        answers.append(fit_to_model(db, host, FitMap("firms", "one", prompt)).n)
    whole = fit_to_model(db, host, FitMap("firms", "one", loaded.seed)).n
    kept = len(loaded.seed.shots)
    assert answers == [whole + kept - 1] * 2
    locked = loaded.cases["test"][0].query.id
    with pytest.raises(InputError, match=f"shows row {locked}, a row of the test split"):
        fitted(db, host, msgspec.structs.replace(loaded.seed, shots=(locked,)))


def test_a_row_that_is_too_long_is_named_with_its_split(db, host, monkeypatch):
    loaded = load(db, "firms")
    long = loaded.cases["selection"][3]
    monkeypatch.setattr(
        lengths_module,
        "lengths",
        lambda renderer, prompt, cases: (10**6 if case == long else 1 for case in cases),
    )
    with pytest.raises(InputError, match=r"1 of \d+ rows take .*\n  selection, 1000000 tokens"):
        fitted(db, host, loaded.seed)
