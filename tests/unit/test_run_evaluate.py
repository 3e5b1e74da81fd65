"""What a person waits for: prompts scored now."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from host_in_process import MODEL, HostInProcess
from in_process import LABELS, PROMPT, TASK, InProcess, case, row
from scripted_model import WIDTH, ScriptedModel, Thinker

from appliance import locations
from appliance.data import Imported
from appliance.data.tasks import load, save
from appliance.encode.turns import CANNOT_SWITCH
from appliance.errors import InputError
from appliance.evaluate.workbench import Prices
from appliance.prompts.linear_map import LinearMap
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.run.evaluate import evaluate
from appliance.run.messages import Evaluate, Evaluated, EvaluatedPrompt
from appliance.statistics.proportions import wilson
from appliance.task import Case, Example
from models.engine import Reply, Request, Score, Scores, Segment
from store import database

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


class Sceptic(Reader):
    """Yes to a label that stands in the sentence is likelier than no, to another one less so."""

    def _answer(self, segments: tuple[Segment, ...], at: int) -> float:
        spelt: list[int] = []
        while at >= 0:
            spelt[:0], at = segments[at].tokens, segments[at].parent
        *_, sentence, question, _ = bytes(spelt).decode().split("\n")
        label, _, said = question.rpartition("? ")
        return {"no": -3.0, "yes": HIT if label in sentence else MISS[label]}[said]


@pytest.fixture
def db(home):
    with database.open(locations.store_path()) as opened:
        yield opened


@pytest.fixture
def host(tmp_path):
    return HostInProcess(Reader(tmp_path))


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


def asked(*given: Prompt, split: str = "selection", **more: Any) -> Evaluate:
    """For one prompt or more, by name: a, b, ..."""
    prompts = dict(zip("abcdefgh", given or (PROMPT,), strict=False))
    return msgspec.structs.replace(Evaluate("firm", split, "tiny", prompts), **more)


def only(found: Evaluated) -> EvaluatedPrompt:
    [entry] = found.prompts
    return entry


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
        evaluate(db, host, asked(showing(*loaded.demonstrations["founder"], shown), split=split))
    assert host.pool.calls == []


@pytest.mark.parametrize("split", ["tuning", "selection"])
def test_a_prompt_that_shows_a_row_to_be_scored_is_refused(db, host, loaded, split):
    shown = loaded.cases[split][5].query.id
    with pytest.raises(InputError, match=f"shows row {shown}, which is one of the cases"):
        evaluate(db, host, asked(showing(shown), split=split))
    assert host.pool.calls == []


def test_a_prompt_may_show_rows_that_are_not_scored(db, host, loaded):
    kept = [ids[0] for ids in loaded.demonstrations.values()]
    assert only(evaluate(db, host, asked(showing(*kept), split="tuning"))).n == 27
    later = loaded.cases["selection"][5].query.id
    assert only(evaluate(db, host, asked(showing(later), limit=5))).n == 5


def test_what_is_no_prompt_of_this_task_is_refused(db, host, loaded):
    with pytest.raises(InputError, match="shows row nowhere, which firm lacks"):
        evaluate(db, host, asked(showing("nowhere")))


def test_a_prior_for_the_labels_of_another_task_is_refused(db, host, loaded):
    with pytest.raises(InputError, match="biases for 2 labels, firm takes 3"):
        evaluate(db, host, asked(msgspec.structs.replace(PROMPT, bias=(1.0, -1.0))))
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
    tuned = msgspec.structs.replace(PROMPT, bias=(1.0, 0.0, -1.0))
    with pytest.raises(InputError, match="biases for 3 labels, episodic takes 0"):
        evaluate(db, host, asked(tuned, task="episodic"))
    assert host.pool.calls == []
    assert only(evaluate(db, host, asked(task="episodic"))).n == 36


def test_a_prior_is_taken_from_the_scores(db, host, loaded):
    leaning = msgspec.structs.replace(PROMPT, bias=(0.0, 0.0, -1000.0))
    found = only(evaluate(db, host, asked(leaning)))
    assert {case.predicted for case in found.cases} == {"author"}


def test_the_figures_are_those_of_the_model_s_answers(db, host, loaded):
    """Right where the sentence says the label, and where the likeliest label is the gold one."""
    whole = evaluate(db, host, asked())
    assert (whole.task, whole.split, whole.metric) == ("firm", "selection", "accuracy")
    assert whole.tokens == 7
    found = only(whole)
    estimate = wilson(12 + 4 + 4, 36)
    assert (found.n, found.value) == (36, estimate.value)
    assert (found.low, found.high) == (estimate.low, estimate.high)
    assert (found.name, found.prompt, found.weight) == ("a", PROMPT.id, 0.0)
    assert found.also["micro_f1"].value == estimate.value
    losses = []
    for shown, query in zip(found.cases, loaded.cases["selection"], strict=True):
        gold, text = query.query.label, query.query.text
        scores = {label: HIT if label in text else MISS[label] for label in LABELS}
        assert (shown.case, shown.gold) == (query.id, gold)
        assert shown.predicted == (gold if gold in text else "founder")
        assert shown.exact is (shown.predicted == gold) is bool(shown.credit)
        total = math.log(sum(map(math.exp, scores.values())))
        likeliest = math.exp(max(scores.values()) - total)
        assert shown.confidence == pytest.approx(likeliest, abs=1e-4)
        losses.append(total - scores[gold])
        assert shown.loss == pytest.approx(losses[-1], abs=1e-4)
    assert found.loss == pytest.approx(sum(losses) / 36, abs=1e-4)


def test_several_prompts_race_and_come_back_in_the_order_given_with_their_ranks(db, host, loaded):
    """Whatever it is asked, the second prompt says "author"."""
    leaning = msgspec.structs.replace(PROMPT, bias=(0.0, 0.0, -1000.0))
    found = evaluate(db, host, asked(leaning, PROMPT, BEST))
    assert [entry.name for entry in found.prompts] == ["a", "b", "c"]
    assert found.prompts[0].rank == 3
    assert [entry.prompt for entry in found.prompts] == [leaning.id, PROMPT.id, BEST.id]
    for entry in found.prompts:
        assert len(entry.cases) == entry.n <= 36
        assert (entry.behind is None) == (entry.n == 36)


YES_NO = Prompt((), "{text}\n{label}? {answer}\n")
EAGER = msgspec.structs.replace(YES_NO, threshold=-99.0)


def test_where_the_first_yes_counts_nobody_drops_out_and_the_figures_rank(db, host, loaded):
    """An eager prompt is always wrong by the test rule; its first yes is right on twelve of thirty
    rows, the other prompt on ten."""
    host.pool.engine = Sceptic(None)
    entries = {}
    for first in (False, True):
        found = evaluate(db, host, asked(YES_NO, EAGER, limit=30, first_yes=first))
        entries[first] = found.prompts
    sober, eager = entries[False]
    assert (sober.rank, eager.rank) == (1, 2)
    assert eager.n < 30 and eager.behind > 0 and eager.value == 0
    sober, eager = entries[True]
    assert (sober.n, eager.n, sober.behind, eager.behind) == (30, 30, None, None)
    assert (sober.value, eager.value) == (10 / 30, 12 / 30)
    assert (sober.rank, eager.rank) == (2, 1)


def test_a_prompt_that_does_not_suit_is_named_as_it_was_given(db, host, loaded):
    wrong = msgspec.structs.replace(PROMPT, bias=(1.0, -1.0))
    with pytest.raises(InputError, match=rf"^b: prompt {wrong.id} has biases for 2 labels"):
        evaluate(db, host, asked(PROMPT, wrong))
    with pytest.raises(InputError, match=rf"^prompt {wrong.id} has biases"):
        evaluate(db, host, asked(prompts={wrong.id: wrong}))


def test_a_prompt_under_which_a_row_is_too_long_is_named_before_any_is_scored(db, host, loaded):
    wordy = PROMPT.with_section("guidance", "Mind the order of the two. " * 150)
    with pytest.raises(
        InputError, match=r"^b: this prompt alone takes more than the 4096 tokens of the context"
    ):
        evaluate(db, host, asked(PROMPT, wordy))
    assert host.pool.calls == []


def test_a_limit_scores_the_first_cases_only(db, host, loaded):
    found = only(evaluate(db, host, asked(limit=4)))
    assert [c.case for c in found.cases] == [c.id for c in loaded.cases["selection"][:4]]


def test_a_note_on_the_chat_template_is_made_once_for_all_chat_prompts(db, host, loaded, tmp_path):
    notes: list[str] = []
    host.pool, host.note = InProcess(Thinker(tmp_path)), notes.append
    chat = msgspec.structs.replace(PROMPT, mode="chat")
    evaluate(db, host, asked(PROMPT))
    assert CANNOT_SWITCH not in " ".join(notes)
    evaluate(db, host, asked(chat, msgspec.structs.replace(chat, weight=0.5)))
    assert notes.count(f"tiny: {CANNOT_SWITCH}") == 1


def test_a_prompt_with_a_map_is_said_to_look_better_on_the_rows_it_was_fitted_to(db, host, loaded):
    told: list[str] = []
    host.note = told.append
    serving = host.body(MODEL, MODEL.serving_body, Prices(0.0))
    values = bytes(4 * (WIDTH + 1) * len(TASK.labels))
    fitted = LinearMap(serving.sha256, WIDTH, values)
    read = msgspec.structs.replace(PROMPT, readout="hidden", map=fitted)
    assert only(evaluate(db, host, asked(read))).n == len(loaded.cases["selection"])
    assert any("on these it looks better than it is" in note for note in told)
    told.clear()
    evaluate(db, host, asked(PROMPT))
    assert not any("looks better" in note for note in told)
    unfitted = msgspec.structs.replace(read, map=None)
    with pytest.raises(InputError, match=f"^a: prompt {unfitted.id} reads hidden states and has"):
        evaluate(db, host, asked(unfitted))
