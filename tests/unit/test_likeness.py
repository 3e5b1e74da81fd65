"""The likeness of an episode's query to its support: fitted in a run, added to label words."""

from __future__ import annotations

from random import Random

import msgspec
import numpy as np
import pytest
import tiny_tasks
from in_process import HASH, PROMPT, InProcess, two_bodies
from scripted_model import WIDTH, ScriptedModel

from appliance.calibrate import whitening as whitening_module
from appliance.calibrate.calibration import LIKENESS_WEIGHTS, calibrated, fit
from appliance.calibrate.choices import Choices
from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.calibrate.probabilities import fit_probabilities
from appliance.calibrate.whitening import vectors, whitening
from appliance.errors import InputError, PromptError
from appliance.evaluate.evaluator import Evaluator
from appliance.predict.served import Served
from appliance.prompts.canonical import canonical
from appliance.prompts.likeness import Likeness
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.prompts.show import scoring
from appliance.prompts.validate import check_suits
from appliance.scoring.hidden import check_map
from appliance.scoring.likeness import rows_of
from appliance.scoring.outcomes import Scored
from appliance.scoring.predict import predict
from appliance.scoring.yes_no import YesNoOutcome
from appliance.search.candidate import Candidate
from appliance.search.likeness import Likenesses, _dealt
from appliance.search.portfolio import likeness_line
from appliance.search.race import Race
from appliance.search.read_alike import LIKENESS, SEED
from appliance.search.readouts import how_read, may_be_likened, readouts
from appliance.task import Case, Example, Label
from appliance.tune import tune
from appliance.verdict.give import give_verdict
from models.engine import Hidden


def coded() -> Loaded:
    """Episodes of two of four relations under labels that tell nothing: only states do."""
    code = {verb: f"code {n}" for n, verb in enumerate(tiny_tasks.VERBS)}
    random = Random(1)
    rows = []
    for number in range(160):
        person, place = random.choice(tiny_tasks.NAMES), random.choice(tiny_tasks.PLACES)
        verb = tiny_tasks.VERBS[number % len(code)]
        text = f"{person} {place} {number}: {verb} {verb} {verb}"
        head, tail = (0, len(person)), (len(person) + 1, len(person) + 1 + len(place))
        rows.append(Example(text, head, tail, code[verb]))
    task = msgspec.structs.replace(
        tiny_tasks.tasks()["relation"],
        protocol="episodes",
        labels=tuple(map(Label, code.values())),
    )

    def episode(query, pool) -> Case:
        other = random.choice([label for label in code.values() if label != query.label])
        ways = tuple(random.sample([query.label, other], 2))
        support = [
            random.choice([r for r in pool if r.label == way and r != query]) for way in ways
        ]
        return Case(query, ways, tuple(support))

    parts = {"tuning": rows[:100], "selection": rows[100:120], "test": rows[120:]}
    cases = {split: [episode(row, own) for row in own] for split, own in parts.items()}
    seed = Prompt((), "{text}\n{head} -> {tail}: {label}\n")
    return Loaded("t", "h", task, seed, {row.id: row for row in rows}, cases, {})


LOADED = coded()
LINE = likeness_line("relation")


class Told:
    def __init__(self) -> None:
        self.alike = ()
        self.raced_with, self.selected_with = set(), []

    def stage(self, name): ...
    def led(self, candidate): ...
    def candidate(self, stage, candidate, outcome):
        self.raced_with |= {one.likeness for one in candidate.scored}

    def selected(self, candidate, found, loss):
        self.selected_with.append(candidate.fit.likeness_weight)

    def raced(self, rungs): ...
    def mapped(self, mapped, alike): ...
    def fitted(self, candidate, prompt): ...
    def likened(self, alike):
        self.alike = alike


@pytest.fixture
def models(tmp_path) -> InProcess:
    return InProcess(ScriptedModel(tmp_path))


@pytest.fixture
def evaluator(models) -> Evaluator:
    return two_bodies(LOADED, models)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def tuned(evaluator, told) -> Prompt:
    return tune(
        LOADED,
        evaluator,
        evaluator.bench,
        None,
        told,
        seed=1,
        budget=3000.0,
        fits=lambda _: True,
        methods=("portfolio",),
        likeness=True,
    )


def some(weight: float = 8.0, values: list[list[float]] | None = None) -> Likeness:
    rows = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]] if values is None else values
    packed = np.array(rows, "<f2")
    return Likeness(HASH, packed.shape[1], packed.tobytes(), "{text}: {label}\n", weight=weight)


def test_a_run_ends_with_a_likeness_of_the_serving_body_that_wins_by_it(tuned, evaluator, models):
    assert tuned.likeness is not None and tuned.likeness_weight in LIKENESS_WEIGHTS[1:]
    assert (tuned.likeness.model, tuned.likeness.width) == (HASH, WIDTH)
    assert tuned.likeness.example == LINE.example and tuned.likeness.head == LINE.head
    assert msgspec.json.decode(canonical(tuned), type=Prompt) == tuned
    fresh = Evaluator(evaluator.bench, evaluator.renderer)
    found = give_verdict(fresh, LOADED.cases["test"], LOADED.seed, tuned, model="m", body="serving")
    assert found.best.value > found.seed.value + 0.15 and found.reading == "likeness"
    assert f"{tuned.likeness_weight:g} times the likeness" in scoring(tuned)


def test_the_winner_stands_beside_the_seed_with_a_likeness_and_the_likeness_alone(tuned, told):
    names = {other.name for other in told.alike}
    assert LIKENESS in names and names <= {SEED, LIKENESS}
    assert all(0 <= other.value <= 1 and other.n == 20 for other in told.alike)


def test_candidates_race_by_their_words_alone_and_the_finalists_get_the_likeness(tuned, told):
    seed, *others = told.selected_with
    assert told.raced_with == {()} and seed == 0.0 and all(others)


def test_a_given_prompt_s_likeness_does_not_race(evaluator):
    """What it brings may have been fitted to these very rows."""
    cases = LOADED.cases["tuning"]
    given = msgspec.structs.replace(LOADED.seed, likeness=some(), threshold=0.0)
    race = Race(evaluator, cases, Objective(), lambda *_: None)
    likened = [one for one in evaluator.score(LOADED.seed, cases[:24]) if isinstance(one, Scored)]
    likened = [msgspec.structs.replace(one, likeness=(1.0, 0.0)) for one in likened]
    evaluator.score = lambda prompt, cases, role="search": likened[: len(cases)]
    race.start(given)
    assert race.seed.scored[0].likeness and race.seed.prompt.likeness
    assert not any(one.likeness for one in race.copy.scored) and race.copy.prompt.likeness is None


def test_a_prompt_with_the_likeness_is_another_than_the_same_without_it():
    scored = choices(60, like=True)
    plain = Candidate(LOADED.seed, "seed", fixed=True, scored=[*scored])
    liked = Candidate(LOADED.seed, "likeness", scored=[*scored])
    assert liked.fit.likeness_weight > 0
    assert plain.identity[0] == msgspec.structs.replace(LOADED.seed).id
    assert plain.identity != liked.identity


def test_each_row_is_read_alone_once_whatever_the_number_of_candidates(tuned, models):
    places = sum(len(call.places) for call in models.calls if isinstance(call, Hidden))
    before_verdict = rows_of([*LOADED.cases["tuning"], *LOADED.cases["selection"]])
    assert places == len(before_verdict)


def test_a_case_is_read_by_a_fit_that_has_not_seen_its_rows(evaluator):
    """Its likeness does not change if its rows are other ones to the fit."""
    cases = LOADED.cases["tuning"]
    found = Likenesses(evaluator, cases, LINE, 1e9, seen=len(cases))
    states = found._states
    for case in cases[:5]:
        own = rows_of([case])
        fold = [one for one in cases if found._fold[one.id] == found._fold[case.id]]
        rest = sorted(found._rows.keys() - rows_of(fold).keys())
        by = whitening(
            np.stack([states[row] for row in rest]),
            np.array([int(found._rows[row].label[-1]) for row in rest]),
        )
        each = dict(zip(own, vectors(np.stack([states[row] for row in own]), by), strict=True))
        expected = [each[case.query.id] @ each[row.id] for row in case.support]
        assert found.of([case]) == [pytest.approx(tuple(expected), abs=1e-3)]


def test_where_every_row_is_shared_by_all_cases_labels_are_all_alike(evaluator):
    cases = LOADED.cases["tuning"][:1]
    found = Likenesses(evaluator, cases, LINE, 1e9, seen=1)
    assert found.of(cases) == [(0.0,) * len(cases[0].labels)]


def test_there_are_more_folds_where_cases_share_many_rows():
    """Of the nine rows eight are paid for."""
    rows = [Example(f"row {n}", label="a") for n in range(9)]
    cases = [Case(rows[n % 9], ("a",), (rows[(n + 1) % 9],), str(n)) for n in range(40)]
    for shared, count in ((cases, 20), (cases[:10], 5)):
        fold, left = _dealt(shared, {row.id for row in rows[:8]})
        assert len(left) == len({*fold.values()}) == count
        assert all(len(some) >= 4 for some in left)
        for case in shared:
            assert not {*left[fold[case.id]]} & rows_of([case]).keys()


def test_rows_with_none_of_the_labels_say_nothing_of_how_rows_of_a_label_differ(evaluator):
    cases = LOADED.cases["tuning"]
    evaluator.renderer.task = msgspec.structs.replace(LOADED.task, none="code 2")
    found = Likenesses(evaluator, cases, LINE, 1e9, seen=len(cases))
    named = {row: own for row, own in rows_of(cases).items() if own.label != "code 2"}
    states = evaluator.states_alone(LINE.prompt({}), [*named.values()])
    table = np.stack([np.frombuffer(state, "<f2").astype(float) for state in states.values()])
    by = whitening(table, np.array([int(own.label[-1]) for own in named.values()]))
    assert np.frombuffer(found.fitted(4.0).values, "<f2") == pytest.approx(by.ravel(), abs=1e-3)


def test_rows_beyond_those_that_the_budget_pays_for_are_read_when_they_are_asked_about(
    evaluator, monkeypatch
):
    monkeypatch.setattr("appliance.search.likeness.LEAST", 6)
    cases = LOADED.cases["tuning"]
    found = Likenesses(evaluator, cases, LINE, 0.0, seen=0)
    assert 0 < len(found._rows) < len(rows_of(cases))
    spent = evaluator.spent
    assert len(found.of(cases)) == len(cases) and evaluator.spent > spent


def test_a_device_computes_the_vectors_of_the_run():
    random = np.random.default_rng(1)
    rows = random.normal(size=(60, 12)).astype("<f2")
    by = whitening(rows.astype(float), np.arange(60) % 4)
    own = Likeness(HASH, 12, by.astype("<f2").tobytes(), "{text}: {label}\n")
    for row, expected in zip(rows, vectors(rows.astype(float), by), strict=True):
        assert own.vector(row.tobytes()) == pytest.approx(tuple(expected), abs=1e-9)
    with pytest.raises(ValueError, match="a state of 2 numbers, where 12"):
        own.vector(b"\0" * 4)


def test_whitening_scales_down_what_differs_within_labels(monkeypatch):
    random = np.random.default_rng(2)
    gold = np.arange(200) % 4
    rows = random.normal(size=(200, 6)) * np.array([9.0, 1, 1, 1, 1, 1])
    rows[:, 1] += 3 * gold
    by = whitening(rows, gold)
    noise, signal = (np.linalg.norm(by[1:, at]) for at in (0, 1))
    assert noise < 0.3 * signal
    monkeypatch.setattr(whitening_module, "AXES", 3)
    assert whitening(rows, gold).shape == (4, 6)
    assert len(whitening(rows[:4], gold[:4])) == 4  # No more than four rows tell of, centred.
    same = whitening(np.ones((4, 6)), np.arange(4))
    assert np.isfinite(same).all() and np.isfinite(vectors(np.ones((2, 6)), same)).all()


def test_the_order_of_the_rows_changes_no_likeness_however_few_they_are():
    random = np.random.default_rng(5)
    for count in (30, 400):
        rows, gold = random.normal(size=(count, 300)), np.arange(count) % 12
        order = random.permutation(count)
        here, there = (
            vectors(rows[:20], whitening(rows[at], gold[at])) for at in (slice(None), order)
        )
        assert here @ here.T == pytest.approx(there @ there.T, abs=5e-3)


def choices(count: int, *, like: bool, options: int = 3) -> list[Scored]:
    """Words are right by a nat, with noise; the likeness is right by 0.5, or says nothing."""
    random = Random(3)
    found = []
    for n in range(count):
        gold = n % options
        noise = tuple(round(random.gauss(y == gold, 1), 4) for y in range(options))
        given = tuple(
            round(0.5 * (like and y == gold) + random.gauss(0, 0.1 if like else 0.5), 4)
            for y in range(options)
        )
        found.append(Scored(str(n), gold, noise, (0.0,) * options, likeness=given))
    return found


def test_the_likeness_gets_the_weight_that_it_deserves():
    good, bad = choices(200, like=True), choices(200, like=False)
    by = fit(good, Objective())
    assert by.likeness_weight > 0 and sum(one.correct(by) for one in good) > 190
    assert fit(bad, Objective()).likeness_weight == 0.0


def test_a_threshold_is_fitted_to_the_margins_with_the_likeness():
    """Of each row at most one of two labels holds, of most rows none; only the likeness knows."""
    random = Random(4)
    asked = []
    for n in range(120):
        gold = (n % 6 == 0, n % 6 == 1)
        noise = tuple(round(random.gauss(-3, 1), 4) for _ in gold)
        like = tuple(round(0.5 * holds + random.gauss(0, 0.1), 4) for holds in gold)
        nothing, every = (0.0, 0.0), (True, True)
        asked.append(
            YesNoOutcome(str(n), ("a", "b"), gold, noise, nothing, every, "-", likeness=like)
        )
    by = fit(asked, Objective("micro_f1"))
    assert by.likeness_weight > 0 and sum(one.correct(by) for one in asked) > 110
    prompt = Prompt((), "{text} {label}? {answer}\n", likeness=some(by.likeness_weight))
    tuned = fit_probabilities(calibrated(prompt, by), asked, "micro_f1")
    assert sum(one.correct(tuned) for one in asked) > 110
    assert tuned.likeness == prompt.likeness and 0 < asked[0].confidence(tuned) < 1
    assert asked[0].among(("b",)).likeness == asked[0].likeness[1:]


def test_episodes_that_are_asked_yes_or_no_get_the_likeness_too(tmp_path):
    """Of what yes and no say nothing can be learnt here; the support says which verb it is."""
    loaded = tiny_tasks.loaded("episodes")
    models = InProcess(ScriptedModel(tmp_path))
    evaluator = two_bodies(loaded, models)
    found = Likenesses(evaluator, loaded.cases["tuning"], LINE, 1e9, seen=0)
    [case] = [case for case in loaded.cases["selection"] if case.query.label in case.labels][:1]
    said = evaluator.score(loaded.seed, [case], "serving")
    [outcome] = found.added_to(loaded.seed, said, [case])
    assert isinstance(outcome, YesNoOutcome) and len(outcome.likeness) == len(outcome.labels) == 2
    assert max(outcome.likeness) > min(outcome.likeness)


def test_penalties_of_many_choices_at_once_are_those_of_each():
    random = Random(5)
    mixed = [
        Scored(
            str(n),
            n % size,
            tuple(random.gauss(-5, 3) for _ in range(size)),
            tuple(random.gauss(-5, 3) for _ in range(size)),
            channel=tuple(random.gauss(-50, 3) for _ in range(size)),
            likeness=tuple(random.uniform(-1, 1) for _ in range(size)),
        )
        for n, size in enumerate([2, 3, 4, 3] * 10)
    ]
    table = Choices(mixed, Objective())
    for by in (Fit(0.5), Fit(0.25, channel_weight=0.5), Fit(1.0, likeness_weight=8.0),
               Fit(0.0, channel_weight=1.0, likeness_weight=4.0)):  # fmt: skip
        for k in (1.0, 0.25):
            each = [one.loss(by, "accuracy", k) + (not one.correct(by)) for one in mixed]
            assert table.penalty(by, k) == pytest.approx(sum(each), abs=1e-2)


def test_a_likeness_that_makes_no_vectors_is_refused():
    for values, width in ((b"", 2), (b"\0" * 4, 2), (b"\0" * 10, 2), (b"\0" * 8, 0)):
        with pytest.raises(PromptError, match="make no vectors"):
            Likeness(HASH, width, values, "{text}: {label}\n")
    with pytest.raises(PromptError, match="not finite"):
        some(values=[[0.0, 1.0], [float("inf"), 0.0]])
    for weight in (-1.0, float("nan")):
        with pytest.raises(PromptError, match="weight"):
            some(weight)


def test_a_likeness_belongs_to_prompts_that_ask_for_labels_by_their_words():
    with pytest.raises(PromptError, match="a likeness belongs to"):
        msgspec.structs.replace(PROMPT, readout="hidden", likeness=some())
    with pytest.raises(PromptError, match="a likeness belongs to"):
        Prompt((), "{text}\n{answer}\n", likeness=some())
    with_one = msgspec.structs.replace(LOADED.seed, likeness=some())
    assert with_one.id != LOADED.seed.id
    kept = calibrated(with_one, Fit(0.5, likeness_weight=16.0))
    assert kept.likeness == some()


def test_a_likeness_of_another_file_or_for_rows_without_support_is_refused():
    prompt = msgspec.structs.replace(LOADED.seed, likeness=some())
    check_map(prompt, "m", HASH)
    with pytest.raises(InputError, match=r"a likeness that was fitted to another file.*of m"):
        check_map(prompt, "m", "6" * 64)
    check_suits(prompt, LOADED)
    fixed = msgspec.structs.replace(
        LOADED, task=msgspec.structs.replace(LOADED.task, protocol="fixed")
    )
    with pytest.raises(InputError, match="rows of firms have no support"):
        check_suits(prompt, fixed)


def test_label_words_alone_are_read_where_they_are_asked_for_and_where_there_is_no_support():
    fixed = tiny_tasks.loaded("relation")
    yes_no = tiny_tasks.loaded("episodes")
    assert may_be_likened(LOADED, None) and not may_be_likened(LOADED, "words")
    assert not may_be_likened(fixed, None) and may_be_likened(yes_no, None)
    sums, both = tiny_tasks.loaded("answer"), ("words", "hidden")
    assert "words and the likeness" in how_read(LOADED, ("words",), likeness=True)
    assert "as other tools can do" in how_read(fixed, ("words",), likeness=False)
    assert "off hidden states, for devices" in how_read(fixed, ("hidden",), likeness=False)
    assert how_read(fixed, both, likeness=False).endswith("--readout words.")
    assert how_read(sums, ("words",), likeness=False) == ""
    with pytest.raises(
        InputError, match="the likeness of hidden states are read together; leave --readout out"
    ):
        readouts(LOADED, "hidden")


def test_a_device_adds_the_likeness_to_the_support_that_it_is_given(tuned, models, evaluator):
    """Labels that tell nothing are told apart by the rows shown for them."""
    [asked] = [case for case in LOADED.cases["test"] if case.query.label == "code 1"][:1]
    served = Served(models, "m")
    answer = predict(
        served, evaluator.renderer, tuned, asked.query, labels=asked.labels, support=asked.support
    )
    turned = dict(zip(asked.labels, asked.labels[::-1], strict=True))
    swapped = tuple(msgspec.structs.replace(r, label=turned[r.label]) for r in asked.support)
    other = predict(
        served, evaluator.renderer, tuned, asked.query, labels=asked.labels, support=swapped
    )
    assert {answer.text, other.text} == {*asked.labels}
