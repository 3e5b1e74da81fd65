"""A run's figures obtained again: out of its journal, and out of its model."""

from __future__ import annotations

import msgspec
import pytest
import scripted_model
import tiny_tasks
from host_in_process import MODEL, HostInProcess
from scripted_model import ScriptedModel

from appliance import locations
from appliance.data.tasks import load, save
from appliance.errors import InputError
from appliance.evaluate.workbench import (
    Body,
    Diverged,
    Entry,
    Prices,
    Workbench,
)
from appliance.run import read
from appliance.run import replay as again
from appliance.run.job import retrace
from appliance.run.journal import StoreJournal
from appliance.run.messages import Inputs
from appliance.run.recorder import RunRecorder
from appliance.run.replay import Compared, replay
from appliance.verdict.controls import with_controls
from appliance.verdict.give import give_verdict
from models.engine import Scores, encode
from store import database, memo, prompts, runs, verdicts

BUDGET = 400.0


@pytest.fixture
def db(home):
    with database.open(locations.store_path()) as opened:
        yield opened


@pytest.fixture
def host(tmp_path):
    return HostInProcess(ScriptedModel(tmp_path))


def finish(db, host, kind: str, **more: object) -> str:
    """A run of a tiny task to its verdict, written down as the runner does."""
    loaded = load(db, save(db, tiny_tasks.imported(kind)))
    prices = Prices(0.01, 0.01, 0.01)
    bodies = {role: Body(f"tiny/{role}", role, prices) for role in ("search", "twin")}
    bodies["serving"] = host.body(MODEL, "Q4_0", prices)
    inputs = Inputs(
        loaded.id, loaded.split_hash, "tiny", "tiny", 1.0, 5, BUDGET, 1.0, bodies,
        {"serving_body": "Q4_0"}, "0", **more,
    )  # fmt: skip
    prompts.add(
        db, id=loaded.seed.id, task_id=loaded.id, content=msgspec.json.encode(loaded.seed).decode()
    )
    runs.create(
        db,
        id="run-1",
        task_id=loaded.id,
        inputs=msgspec.json.encode(inputs).decode(),
        seed_prompt=loaded.seed.id,
        budget=BUDGET,
        status="finished",
    )
    journal = StoreJournal(db, "run-1", loaded.id)
    bench = Workbench(host.pool, bodies, journal, lambda: None)
    recorder = RunRecorder(db, "run-1", loaded.id, inputs, bench, lambda: None, loaded.task.kind)
    evaluator, best = retrace(host, inputs, loaded, bench, recorder, "Q4_0")
    verdict = with_controls(
        give_verdict(evaluator, loaded.cases["test"], loaded.seed, best, model="tiny", body="Q4_0"),
        loaded,
    )
    body = msgspec.json.encode(verdict).decode()
    verdicts.record(db, run_id="run-1", task_id=loaded.id, content=body)
    runs.update(db, "run-1", best_prompt=best.id)
    return "run-1"


@pytest.fixture
def run(db, host) -> str:
    return finish(db, host, "relation")


@pytest.mark.parametrize("kind", tiny_tasks.tasks())
def test_an_honest_run_of_any_kind_is_the_same_again(db, host, kind):
    run = finish(db, host, kind)
    found = replay(db, host, run)
    assert (found.same, found.differences) == (True, ())
    assert found.figures == len(runs.evaluations(db, run)) + 1 > 3
    assert found.scores > found.missing == 0 and found.largest_difference == 0.0


def test_a_run_is_the_same_again_after_rows_were_added_to_its_task(db, host, run):
    before = runs.get(db, run).task_id
    found = tiny_tasks.imported("relation")
    more = [msgspec.structs.replace(row, text=f"{row.text} Again.") for row in found.examples[:5]]
    cases = [msgspec.structs.replace(found.cases["tuning"][0], query=row) for row in more]
    added = msgspec.structs.replace(
        found,
        examples=[*found.examples, *more],
        cases={**found.cases, "tuning": [*found.cases["tuning"], *cases]},
        in_place_of=before,
    )
    after = save(db, added)
    assert load(db, "firms").id == after != before
    assert replay(db, host, run).same is True
    assert read.run_of(db, runs.get(db, run)).task == f"firms@{before[:8]}"


def test_a_verdict_that_was_tampered_with_is_not_the_same(db, host, run):
    with database.write(db):
        db.execute("UPDATE verdicts SET content = json_set(content, '$.gain', 0.75)")
    found = replay(db, host, run)
    assert found.same is False
    told = [difference.partition(", now")[0] for difference in found.differences]
    assert told == ["gain: shown 0.75", "gain: shown 0.75"]
    assert [d.rpartition(" by ")[2] for d in found.differences] == ["the journal", "the model"]


def test_a_single_answer_that_was_tampered_with_is_found(db, host, run):
    with database.write(db):
        db.execute("UPDATE verdicts SET content = json_set(content, '$.answers[3][3]', 'never')")
    found = replay(db, host, run)
    n = len(load(db, "firms").cases["test"])
    assert found.differences == (
        f"1 of {n} answers, by the journal", f"1 of {n} answers, by the model",
    )  # fmt: skip


@pytest.mark.parametrize("path", ["$.answers[3][8]", "$.noise.largest"])
def test_a_probability_and_the_noise_may_differ_by_the_tolerance_from_the_model_alone(
    db, host, run, path
):
    with database.write(db):
        more = "json_set(content, :path, json_extract(content, :path) + 0.0001)"
        db.execute(f"UPDATE verdicts SET content = {more}", {"path": path})
    found = replay(db, host, run)
    [difference] = found.differences
    assert found.same is False and difference.endswith("by the journal")
    with database.write(db):
        db.execute(f"UPDATE verdicts SET content = {more}", {"path": path})
    assert len(replay(db, host, run).differences) == 2


def test_an_answer_that_is_gone_is_missed(db, host, run):
    with database.write(db):
        db.execute("UPDATE verdicts SET content = json_remove(content, '$.answers[#-1]')")
    left = len(load(db, "firms").cases["test"]) - 1
    assert replay(db, host, run).differences == (
        f"1 of {left} answers, by the journal", f"1 of {left} answers, by the model",
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "value = value + 0.01",
        "low = low - 0.01",
        "high = high + 0.01",
        "loss = loss + 0.01",
        "n = n + 1",
        "prompt_id = 'x'",
    ],
)
def test_a_figure_of_the_search_that_was_tampered_with_is_found(db, host, run, change):
    with database.write(db):
        db.execute(f"UPDATE evaluations SET {change} WHERE seq = 2")
    found = replay(db, host, run)
    assert found.same is False
    [difference] = found.differences
    assert difference.startswith("search: shown ") and "the journal says" in difference


def test_a_figure_that_is_gone_is_missed(db, host, run):
    before = len(runs.evaluations(db, run))
    with database.write(db):
        db.execute("DELETE FROM evaluations WHERE seq = (SELECT max(seq) FROM evaluations)")
    found = replay(db, host, run)
    assert found.differences == (f"{before - 1} figures shown, the journal has {before}",)


def test_a_journal_that_was_tampered_with_is_not_followed(db, host, run):
    with database.write(db):
        db.execute("UPDATE journal SET key = 'other' WHERE seq = 4")
    with pytest.raises(Diverged):
        replay(db, host, run)


def test_a_model_that_scores_otherwise_is_not_the_same(db, host, run, monkeypatch):
    honest = scripted_model._logprobs

    def shifted(segments, number):
        first, *rest = honest(segments, number)
        return (first + 0.01, *rest)

    monkeypatch.setattr(scripted_model, "_logprobs", shifted)
    found = replay(db, host, run)
    assert (found.same, found.largest_difference, found.differences) == (False, 0.01, ())


def test_scores_within_the_tolerance_are_the_same(db, host, run, monkeypatch):
    honest = scripted_model._logprobs

    def shifted(segments, number):
        first, *rest = honest(segments, number)
        return (first + 4e-5, *rest)

    monkeypatch.setattr(scripted_model, "_logprobs", shifted)
    found = replay(db, host, run)
    assert (found.same, found.largest_difference) == (True, 4e-5)


def test_what_the_memo_has_forgotten_is_compared_with_the_journal(db, host, run):
    before = replay(db, host, run)
    memo.bound(db, 0)
    assert replay(db, host, run) == before


def test_where_scores_cannot_be_compared_nothing_is_said_to_be_the_same(db, host, run, monkeypatch):
    every = replay(db, host, run).scores
    honest = again._from_model

    def forgetful(db, host, inputs, shown, kept):
        return honest(db, host, inputs, shown, dict(list(kept.items())[1:]))

    monkeypatch.setattr(again, "_from_model", forgetful)
    found = replay(db, host, run)
    assert (found.same, found.differences) == (False, ())
    assert found.missing > 0 and found.missing + found.scores == every


def test_states_that_are_others_are_told(db, host, monkeypatch):
    run = finish(db, host, "relation", readouts=("hidden",))
    assert replay(db, host, run).same is True
    monkeypatch.setattr(again, "cosines", lambda new, old: [0.5])
    found = replay(db, host, run)
    assert found.same is False
    assert found.differences == (
        "the model: a hidden state has a cosine of 0.5000000 with the run's, not 0.999999 or more",
    )


def test_a_reply_without_scores_has_no_differences():
    reply = encode(Scores((), 0, 0))
    compared = Compared({"key": reply})
    compared.append(Entry("call", "key", b"", reply), 0.0)
    assert (compared.scores, compared.missing, compared.largest) == (0, 0, 0.0)


def test_an_engine_that_calls_itself_otherwise_is_compared_too(db, host, run, monkeypatch):
    honest = HostInProcess.body

    def renamed(self, model, body, prices):
        return msgspec.structs.replace(honest(self, model, body, prices), identity="newer")

    monkeypatch.setattr(HostInProcess, "body", renamed)
    found = replay(db, host, run)
    assert found.same is True and found.missing == 0


def test_nothing_is_asked_of_a_model_for_what_the_journal_has(db, host, run):
    loaded, before = load(db, "firms"), len(host.pool.calls)
    replay(db, host, run)
    asked = host.pool.calls[before:]
    # Both prompts on the test split, and the best one once more in another order.
    assert len(asked) == 3
    assert all(len(loaded.cases["test"]) < len(request.segments) for request in asked)


def test_a_run_without_a_verdict_cannot_be_replayed(db, host):
    with pytest.raises(InputError, match="run 'run-9' has no verdict to replay"):
        replay(db, host, "run-9")
