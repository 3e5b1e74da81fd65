"""What a person waits for: a prompt scored now, a verdict computed again."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, InProcess, case, row
from scripted_model import ScriptedModel

from appliance import locations
from appliance.data import Imported
from appliance.errors import InputError
from appliance.host import Host
from appliance.interactive import evaluate, replay
from appliance.plan import tokeniser_of
from appliance.record import Inputs, StoreJournal
from appliance.renderer import Renderer
from appliance.scoring.evaluator import Evaluator
from appliance.scoring.statistics import wilson
from appliance.task import Case, Example
from appliance.tasks import Loaded, load, save
from appliance.verdict import give_verdict
from appliance.workbench import Prices, Workbench
from models.catalog import Body, Model
from models.engine import Reply, Request, Score, Scores, Segment
from store import database, memo, prompts, runs, verdicts

MODEL = Model(
    name="tiny",
    serving="tiny.gguf",
    sha256="0" * 64,
    size=4,
    architecture="llama",
    context=4096,
    licence="Apache-2.0",
    origin="a test",
    added_at=datetime(2026, 1, 1, tzinfo=UTC),
    bodies={"Q4_0": Body("tiny.gguf", "0" * 64, "Q4_0", 100.0)},
    search="Q4_0",
)
BEST = PROMPT.with_section("role", "You know who does what.\n")
HIT = -1.0
MISS = {"founder": -5.0, "supplier of": -5.5, "author": -6.0}


class Reader(ScriptedModel):
    """A label that stands in the sentence has log-probability ``HIT``, another its ``MISS``."""

    def handle(self, request: Request) -> Reply:
        if not isinstance(request, Score):
            return super().handle(request)
        logprobs = [
            (self._answer(request.segments, at), *[0.0] * (segment.read - 1))
            for at, segment in enumerate(request.segments)
            if segment.read
        ]
        return Scores(tuple(logprobs), 10, 7)

    def _answer(self, segments: tuple[Segment, ...], at: int) -> float:
        spelt: list[int] = []
        while at >= 0:
            spelt[:0], at = segments[at].tokens, segments[at].parent
        sentence, _, label = bytes(spelt).decode().rpartition("Relation:")
        said = label.strip() in sentence.rpartition("Sentence:")[2]
        return HIT if said else MISS[label.strip()]


class ReaderHost(Host):
    """One model in this process; nothing is measured or opened."""

    def prepare(self, name: str) -> Model:
        return self.catalog.get(name)

    def worker(self, model: Model, body: str) -> str:
        return f"{model.name}/{body}"


@pytest.fixture
def db(home):
    with database.open(locations.store_path()) as opened:
        yield opened


@pytest.fixture
def host(tmp_path):
    catalog: Any = SimpleNamespace(get=lambda name: MODEL)
    pool: Any = InProcess(Reader(tmp_path))
    return ReaderHost(catalog, pool, print)


@pytest.fixture
def loaded(db) -> Loaded:
    """Twelve rows a split and label; every third row's sentence says its label."""
    cases = {
        split: [
            case(row(f"{split} {i}", f"Firm {i}", label, before=f"The {said} ", may_ship=True))
            for label in LABELS
            for i in range(12)
            for said in [label if i % 3 == 0 else "other"]
        ]
        for split in ("tuning", "selection", "test")
    }
    examples = [c.query for several in cases.values() for c in several]
    return load(db, save(db, Imported(TASK, examples, cases)))


def asked(prompt: Any = PROMPT, split: str = "selection", **more: Any) -> dict[str, Any]:
    body = prompt if isinstance(prompt, str) else msgspec.to_builtins(prompt)
    return {"prompt": body, "task": "firm", "split": split, "model": "tiny"} | more


def showing(*rows: str) -> Any:
    return msgspec.structs.replace(PROMPT, shots=rows)


def test_the_test_split_is_refused(db, host, loaded):
    with pytest.raises(InputError, match="the test split is locked"):
        evaluate(db, host, asked(split="test"))
    assert host.pool.calls == []


@pytest.mark.parametrize("split", ["tuning", "selection"])
def test_a_prompt_that_shows_a_row_of_the_test_split_is_refused(db, host, loaded, split):
    shown = loaded.cases["test"][5].query.id
    with pytest.raises(InputError, match=f"shows row {shown}, a row of the test split"):
        evaluate(db, host, asked(showing(*loaded.pool["founder"], shown), split))
    assert host.pool.calls == []


@pytest.mark.parametrize("split", ["tuning", "selection"])
def test_a_prompt_that_shows_a_row_to_be_scored_is_refused(db, host, loaded, split):
    shown = loaded.cases[split][5].query.id
    with pytest.raises(InputError, match=f"shows row {shown}, which is one of the cases"):
        evaluate(db, host, asked(showing(shown), split))
    assert host.pool.calls == []


def test_a_prompt_may_show_rows_that_are_not_scored(db, host, loaded):
    kept = [ids[0] for ids in loaded.pool.values()]
    assert evaluate(db, host, asked(showing(*kept), "tuning"))["n"] == 27
    later = loaded.cases["selection"][5].query.id
    assert evaluate(db, host, asked(showing(later), limit=5))["n"] == 5


def test_what_is_no_prompt_of_this_task_is_refused(db, host, loaded):
    with pytest.raises(InputError, match="shows row nowhere, which firm lacks"):
        evaluate(db, host, asked(showing("nowhere")))
    with pytest.raises(InputError, match="there is no prompt 'abcd'"):
        evaluate(db, host, asked("abcd"))
    with pytest.raises(InputError, match="this is no prompt"):
        evaluate(db, host, {**asked(), "prompt": {"sections": []}})


def test_a_prior_for_the_labels_of_another_task_is_refused(db, host, loaded):
    with pytest.raises(InputError, match="priors for 2 labels, firm takes 3"):
        evaluate(db, host, asked(msgspec.structs.replace(PROMPT, prior=(1.0, -1.0))))
    assert host.pool.calls == []


def test_a_prompt_for_another_kind_of_task_is_refused(db, host, loaded):
    cases = {
        split: [Case(Example(c.query.text, None, None, c.query.label), LABELS) for c in several]
        for split, several in loaded.cases.items()
    }
    texts = [c.query for several in cases.values() for c in several]
    save(db, Imported(msgspec.structs.replace(TASK, name="texts", kind="classify"), texts, cases))
    with pytest.raises(InputError, match=r"has the slot \{head\}, and rows of texts have no head"):
        evaluate(db, host, asked(task="texts"))
    assert host.pool.calls == []


def test_a_prior_is_refused_where_each_episode_has_labels_of_its_own(db, host, loaded):
    examples = [c.query for several in loaded.cases.values() for c in several]
    episodic = msgspec.structs.replace(TASK, name="episodic", protocol="episodes")
    save(db, Imported(episodic, examples, loaded.cases))
    tuned = msgspec.structs.replace(PROMPT, prior=(1.0, 0.0, -1.0))
    with pytest.raises(InputError, match="priors for 3 labels, episodic takes 0"):
        evaluate(db, host, asked(tuned, task="episodic"))
    assert host.pool.calls == []
    assert evaluate(db, host, asked(task="episodic"))["n"] == 36


def test_a_prior_is_taken_from_the_scores(db, host, loaded):
    leaning = msgspec.structs.replace(PROMPT, prior=(0.0, 0.0, -1000.0))
    assert {case["chosen"] for case in evaluate(db, host, asked(leaning))["cases"]} == {"author"}


def test_the_figures_are_those_of_the_model_s_answers(db, host, loaded):
    """Right where the sentence says the label, and where the likeliest label is the gold one."""
    found = evaluate(db, host, asked())
    right = 12 + 4 + 4
    estimate = wilson(right, 36)
    assert (found["n"], found["accuracy"]) == (36, round(right / 36, 4))
    assert found["interval"] == [estimate.low, estimate.high]
    assert (found["prompt"], found["task"], found["split"]) == (PROMPT.id, "firm", "selection")
    assert (found["weight"], found["tokens"]) == (0.0, 7)
    losses = []
    for shown, query in zip(found["cases"], loaded.cases["selection"], strict=True):
        gold, text = query.query.label, query.query.text
        scores = {label: HIT if label in text else MISS[label] for label in LABELS}
        assert (shown["case"], shown["gold"]) == (query.id, gold)
        assert shown["chosen"] == (gold if gold in text else "founder")
        assert shown["correct"] is (shown["chosen"] == gold)
        own = scores.pop(gold)
        assert shown["margin"] == own - max(scores.values())
        losses.append(math.log(sum(map(math.exp, (own, *scores.values())))) - own)
    assert found["loss"] == pytest.approx(sum(losses) / 36, abs=1e-4)


def test_a_limit_scores_the_first_cases_only(db, host, loaded):
    found = evaluate(db, host, asked(limit=4))
    assert [c["case"] for c in found["cases"]] == [c.id for c in loaded.cases["selection"][:4]]


@pytest.fixture
def run(db, host, loaded) -> str:
    """A run whose verdict was given by the host's model, journalled and remembered."""
    for prompt in (PROMPT, BEST):
        body = msgspec.json.encode(prompt).decode()
        prompts.add(db, id=prompt.id, task_id=loaded.id, body=body)
    bodies = {"serving": host.body(MODEL, "Q4_0", Prices(1.0))}
    inputs = Inputs(
        loaded.id, loaded.split_hash, "tiny", "tiny", 1.0, 1, 1.0, 1.0, bodies,
        {"serving_body": "Q4_0"}, "0",
    )  # fmt: skip
    runs.create(
        db,
        id="run-1",
        task_id=loaded.id,
        inputs=msgspec.json.encode(inputs).decode(),
        seed_prompt=PROMPT.id,
        budget=1.0,
        status="finished",
    )
    bench = Workbench(host.pool, bodies, StoreJournal(db, "run-1", loaded.id), lambda: None)
    evaluator = Evaluator(bench, Renderer(loaded.task, loaded.rows, tokeniser_of(host, MODEL)))
    verdict = give_verdict(evaluator, loaded.cases["test"], PROMPT, BEST, model="tiny", body="Q4_0")
    body = msgspec.json.encode(verdict).decode()
    verdicts.record(db, run_id="run-1", task_id=loaded.id, body=body)
    return "run-1"


def test_an_honest_verdict_is_the_same_again(db, host, run):
    found = replay(db, host, run)
    assert found["same"] is True
    # Each prompt reads the labels once for each case and once more without a sentence.
    assert found["scores"] == 2 * (36 + 1) * len(LABELS)
    assert (found["largest_difference"], found["differences"]) == (0.0, [])


def test_a_verdict_that_was_tampered_with_is_not_the_same(db, host, run):
    with database.write(db):
        db.execute("UPDATE verdicts SET body = json_set(body, '$.gain', 0.25)")
    found = replay(db, host, run)
    assert found["same"] is False
    assert found["differences"] == ["gain: shown 0.25, now 0.0"]


def test_a_model_that_scores_otherwise_is_not_the_same(db, host, run, monkeypatch):
    monkeypatch.setattr("test_interactive.HIT", HIT + 0.01)
    found = replay(db, host, run)
    assert (found["same"], found["largest_difference"], found["differences"]) == (False, 0.01, [])


def test_without_remembered_scores_nothing_is_said_to_be_the_same(db, host, run):
    memo.bound(db, 0)
    found = replay(db, host, run)
    assert (found["same"], found["scores"], found["differences"]) == (False, 0, [])


def test_a_run_without_a_verdict_cannot_be_replayed(db, host):
    with pytest.raises(InputError, match="run 'run-9' has no verdict to replay"):
        replay(db, host, "run-9")
