"""Prompts that read hidden states: asked for, raced, mapped and answered."""

from __future__ import annotations

import struct
from functools import partial
from types import SimpleNamespace

import msgspec
import pytest
import tiny_tasks
from in_process import HASH, PROMPT, InProcess, two_bodies
from scripted_model import WIDTH, ScriptedModel

from appliance.calibrate.objective import Objective
from appliance.encode.renderer import Renderer, after_a_stem
from appliance.errors import InputError, PromptError
from appliance.evaluate.cost import expected_cost
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Prices, Unanswerable
from appliance.kinds import KINDS
from appliance.predict.served import Served
from appliance.prompts.canonical import canonical
from appliance.prompts.linear_map import LinearMap
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.prompts.unfitted import unfitted
from appliance.prompts.validate import check, check_suits
from appliance.run.job import _readable
from appliance.scoring.hidden import State, check_map, read
from appliance.scoring.predict import predict_rows
from appliance.search import drawn as drawn_module
from appliance.search import mapped as mapped_module
from appliance.search import race as race_module
from appliance.search.accept import Ahead
from appliance.search.candidate import Candidate, Proposal
from appliance.search.drawn import DRAWING, best_drawn
from appliance.search.mapped import with_map
from appliance.search.portfolio import portfolio
from appliance.search.race import Race
from appliance.search.read_alike import BARE, SEED, read_alike
from appliance.search.readouts import readouts
from appliance.statistics.differences import Difference
from appliance.task import Case, Example, Label, Task
from appliance.tune import tune
from appliance.verdict.give import give_verdict
from models.engine import Hidden, Score, Segment


def coded() -> Loaded:
    """The tiny relations under labels that tell nothing: only the states do."""
    task = tiny_tasks.tasks()["relation"]
    code = {label.name: f"code {n}" for n, label in enumerate(task.labels)}
    rows = [
        msgspec.structs.replace(row, label=code[row.label]) for row in tiny_tasks.rows("relation")
    ]
    task = msgspec.structs.replace(task, labels=tuple(map(Label, code.values())))
    cases = [Case(row, tuple(code.values())) for row in rows]
    seed = Prompt((), "{text}\n{head} -> {tail}: {label}\n")
    split = {"tuning": cases[:20], "selection": cases[20:30], "test": cases[30:]}
    return Loaded("t", "h", task, seed, {row.id: row for row in rows}, split, {})


LOADED = coded()
READ = msgspec.structs.replace(LOADED.seed, readout="hidden", shots=())


class Told:
    """Keeps what is told of the selection and of the winner's map."""

    def __init__(self) -> None:
        self.alike, self.selected_prompts = (), []

    def stage(self, name): ...
    def led(self, candidate): ...
    def candidate(self, stage, candidate, outcome): ...
    def selected(self, candidate, found, loss):
        self.selected_prompts.append(candidate.final.id)

    def raced(self, rungs): ...
    def mapped(self, mapped, alike):
        self.mapped_prompt, self.alike = mapped.prompt, alike

    def fitted(self, candidate, prompt): ...


@pytest.fixture
def models(tmp_path) -> InProcess:
    return InProcess(ScriptedModel(tmp_path))


@pytest.fixture
def evaluator(models) -> Evaluator:
    return two_bodies(LOADED, models)


@pytest.fixture
def told() -> Told:
    return Told()


def tuned_from(loaded: Loaded, evaluator: Evaluator, told: Told, seed: int) -> Prompt:
    return tune(
        loaded,
        evaluator,
        evaluator.bench,
        None,
        told,
        seed=seed,
        budget=3000.0,
        fits=lambda _: True,
        methods=("portfolio",),
        readouts=("hidden",),
    )


@pytest.fixture
def tuned(evaluator, told) -> Prompt:
    return tuned_from(LOADED, evaluator, told, seed=1)


def test_what_all_rows_begin_with_stands_once_and_each_state_is_asked_for_at_its_row():
    request = after_a_stem([(1, 2, 3, 4), (1, 2, 5), (1, 2, 3)])
    assert request == Hidden(
        (Segment(-1, (1, 2)), Segment(0, (3, 4)), Segment(0, (5,)), Segment(0, (3,))), (1, 2, 3)
    )
    assert after_a_stem([(1,), (2,)]) == Hidden((Segment(-1, (1,)), Segment(-1, (2,))), (0, 1))
    assert after_a_stem([(1, 2)]) == Hidden((Segment(-1, (1,)), Segment(0, (2,))), (1,))
    assert after_a_stem([]) == Hidden((), ())


def test_a_case_costs_the_tokens_before_its_answer_and_no_label(evaluator):
    cases = LOADED.cases["tuning"][:5]
    words = msgspec.structs.replace(READ, readout="words")
    renderer = evaluator.renderer
    assert renderer.tokens(READ, cases) < renderer.tokens(words, cases)
    before = evaluator.spent
    evaluator.score(READ, cases)
    assert evaluator.spent - before == expected_cost(renderer, READ, cases, Prices(0.01))
    assert max(renderer.lengths(READ, cases)) == max(map(len, renderer.openings(READ, cases)))


def test_several_prompts_are_asked_in_a_request_for_each_readout(evaluator, models):
    cases = LOADED.cases["tuning"][:4]
    other = msgspec.structs.replace(READ, example="{text}\n{head}, {tail}: {label}\n")
    prompts = [READ, LOADED.seed, other]
    alone = [evaluator.score(prompt, cases) for prompt in prompts]
    models.calls.clear()
    assert evaluator.score_together(prompts, cases) == alone
    assert sorted(type(call).__name__ for call in models.calls) == ["Hidden", "Score"]


def test_prompts_that_share_their_rows_are_asked_together_rung_by_rung(
    evaluator, models, monkeypatch
):
    monkeypatch.setattr(race_module, "first_rung", lambda prompt, labels: 6)
    cues = (" -> ", " | ", " / ", " to ")
    prompts = [
        msgspec.structs.replace(READ, example=f"{{text}}\n{{head}}{cue}{{tail}}: {{label}}\n")
        for cue in cues
    ]
    shown = msgspec.structs.replace(READ, shots=(LOADED.cases["tuning"][19].query.id,))
    race = Race(evaluator, LOADED.cases["tuning"][:19], Objective(), lambda *told: None)
    proposals = [Proposal(prompt, "mutate") for prompt in (*prompts, shown)]
    found = race.round(proposals, depth=19, accept=Ahead(), going=lambda: True)
    sizes = [len(call.places) for call in models.calls if isinstance(call, Hidden)]
    # All five on the first six rows, then the four that share them on the other rungs.
    assert sizes[:3] == [5 * 6, 4 * 6, 4 * 7] and len(found) == 5
    one = evaluator.score(prompts[3], LOADED.cases["tuning"][:19])
    assert found[3].scored == one
    shared = sum(step.tokens for step in found[0].paid)
    assert shared < evaluator.renderer.tokens(prompts[0], LOADED.cases["tuning"][:19]) * 0.75


def test_a_run_that_reads_states_ends_with_a_map_of_the_serving_body(tuned):
    assert tuned.readout == "hidden" and tuned.map is not None
    assert (tuned.map.model, tuned.map.width) == (HASH, WIDTH)
    assert tuned.map.labels == len(LOADED.task.labels)
    assert msgspec.json.decode(canonical(tuned), type=Prompt) == tuned


def test_the_winner_stands_beside_prompts_that_are_read_alike(tuned, told):
    """They may win as any other, and are then not shown beside themselves."""
    assert told.mapped_prompt.map == tuned.map
    names = {other.name for other in told.alike}
    [drawn] = names - {SEED, BARE}
    assert drawn.startswith("the best of") and drawn.endswith("random formats")
    for other in told.alike:
        low, high = other.interval
        assert other.n == len(LOADED.cases["selection"]) and low <= other.gain <= high
        assert 0 <= other.value + other.gain <= 1


def test_what_is_read_alike_asks_what_the_kind_of_task_predicts(evaluator):
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *_: None)
    race = race.start(LOADED.seed)
    found = read_alike(race, LOADED.seed)
    assert {name: c.prompt.example for name, c in found.items()} == {
        SEED: LOADED.seed.example,
        BARE: "{text}\n{label}\n",
    }
    assert all(len(c.scored) == len(LOADED.cases["tuning"]) for c in found.values())
    assert set(found.values()) <= set(race.entries.values())
    assert race.candidate_for(Proposal(found[BARE].prompt, "again")) is found[BARE]


def test_the_best_of_the_formats_that_the_budget_lets_one_draw_is_read_on_all_cases(evaluator):
    """Every one of them is told of, since one of them may win."""
    seen: list[tuple[Candidate, str]] = []
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *told: seen.append(told))
    race = race.start(LOADED.seed)
    begun = evaluator.tokens
    left = iter([True] * 5)
    [(name, best)] = best_drawn(race, LOADED, lambda part: part == 1.0 or next(left, False)).items()
    assert name == "the best of 5 random formats" and best.prompt.readout == "hidden"
    assert len(best.scored) == len(LOADED.cases["tuning"])
    assert best in race.entries.values()
    drawn = [outcome for candidate, outcome in seen if candidate.operator == "random"]
    assert drawn == ["kept"] * 5 and (best, "kept") in seen
    tokens = evaluator.tokens - begun
    assert best_drawn(race, LOADED, lambda _: False) == {}
    assert evaluator.tokens == begun + tokens


def test_of_the_formats_that_are_drawn_the_better_ones_are_read_on_more_cases(
    evaluator, monkeypatch
):
    """All five on 6 and 12 cases, of which the three best on all 20."""
    monkeypatch.setattr(race_module, "first_rung", lambda prompt, labels: 6)
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *_: None).start(LOADED.seed)
    left = iter([True] * 5)
    candidates: list[Candidate] = []
    monkeypatch.setattr(
        race,
        "candidate_for",
        lambda p: candidates.append(Race.candidate_for(race, p)) or candidates[-1],
    )
    [best] = best_drawn(race, LOADED, lambda part: part == 1.0 or next(left, False)).values()
    monkeypatch.undo()
    assert sorted(len(c.scored) for c in candidates) == [12, 12, 20, 20, 20]
    deep = [c for c in candidates if len(c.scored) == 20]
    assert min(deep, key=lambda c: sum(c.penalties(20))) is best


def test_formats_that_are_drawn_and_that_the_model_cannot_take_are_passed_over(evaluator):
    narrow = Narrow(evaluator, LOADED.cases["tuning"][0])
    race = Race(narrow, LOADED.cases["tuning"], Objective(), lambda *_: None).start(LOADED.seed)
    assert best_drawn(race, LOADED, lambda _: True) == {}


def test_the_verdict_and_a_device_read_the_same(tuned, evaluator, models):
    verdict = give_verdict(
        evaluator, LOADED.cases["test"], LOADED.seed, tuned, model="m", body="serving"
    )
    rows = [case.query for case in LOADED.cases["test"]]
    models.calls.clear()
    answers = predict_rows(Served(models, "m"), evaluator.renderer, tuned, rows)
    assert {type(call) for call in models.calls} == {Hidden}
    assert [answer.text for answer in answers] == [answer.best for answer in verdict.answers]
    assert all(answer.probability and answer.runner_up for answer in answers)
    assert verdict.noise is not None and verdict.noise.changed == 0
    right = sum(answer.best == answer.gold for answer in verdict.answers)
    assert right > len(rows) / len(LOADED.task.labels)


def test_some_of_the_labels_are_read_by_their_own_rows_of_the_map(tuned, evaluator, models):
    rows = [case.query for case in LOADED.cases["test"]]
    names = tuple(label.name for label in LOADED.task.labels)
    ask = Served(models, "m")
    every = predict_rows(ask, evaluator.renderer, tuned, rows)
    two = predict_rows(ask, evaluator.renderer, tuned, rows, labels=(names[2], names[0]))
    for whole, part in zip(every, two, strict=True):
        assert part.text in (names[0], names[2])
        assert whole.text not in (names[0], names[2]) or whole.text == part.text


def test_a_map_of_another_tasks_labels_is_refused(tuned):
    fewer = msgspec.structs.replace(LOADED.task, labels=LOADED.task.labels[:2])
    names = tuple(label.name for label in fewer.labels)
    cases = [msgspec.structs.replace(case, labels=names) for case in LOADED.cases["test"]]
    other = msgspec.structs.replace(LOADED, task=fewer)
    with pytest.raises(InputError, match="has a map of hidden states to 4 labels, firms takes 2"):
        check(tuned, other, cases)


def test_a_run_that_begins_with_a_tuned_map_fits_another_and_judges_none_by_its_own_rows(
    tuned, evaluator
):
    told = Told()
    again = tuned_from(msgspec.structs.replace(LOADED, seed=tuned), evaluator, told, seed=2)
    assert again.readout == "hidden" and again.map is not None
    assert told.selected_prompts and tuned.id not in told.selected_prompts


class Narrow:
    """An evaluator whose model cannot take some cases."""

    def __init__(self, evaluator: Evaluator, too_long: Case) -> None:
        self._evaluator, self.too_long = evaluator, too_long

    def __getattr__(self, name: str):
        return getattr(self._evaluator, name)

    def score(self, prompt, cases, role="search"):
        if prompt.readout == "hidden" and self.too_long in cases:
            raise Unanswerable("the prompt is too long")
        return self._evaluator.score(prompt, cases, role)

    def score_together(self, prompts, cases):
        return [self.score(prompt, cases) for prompt in prompts]


def test_where_states_of_some_cases_cannot_be_read_words_go_on_leading(evaluator):
    narrow = Narrow(evaluator, LOADED.cases["tuning"][-1])
    race = Race(narrow, LOADED.cases["tuning"], Objective(), lambda *_: None).start(LOADED.seed)
    few = Candidate(READ, "test", scored=evaluator.score(READ, LOADED.cases["tuning"][:12]))
    race.promote(few, "leads")
    race.settle(("words", "hidden"), 24, lambda: True)
    assert race.leader.prompt.readout == "words"
    assert race.unraced(Candidate(msgspec.structs.replace(READ, join=" "), "test")) is None


def test_the_next_prompt_whose_states_can_be_read_is_taken_where_the_leader_s_cannot(evaluator):
    cases = LOADED.cases["tuning"]
    race = Race(evaluator, cases, Objective(), lambda *_: None).start(LOADED.seed)
    prompts = [READ, msgspec.structs.replace(READ, example="{text} {label}\n")]
    race.round([Proposal(p, "t") for p in prompts], depth=24, accept=Ahead(), going=lambda: True)
    first, second = (race.candidate_for(Proposal(p, "t")) for p in prompts)
    race.promote(first, "leads")
    race.deepen = lambda candidate: candidate is not first
    race.settle(("hidden",), 24, lambda: True)
    assert race.leader is second


@pytest.mark.parametrize(("behind", "outcome"), [(0.09, "kept"), (0.11, "dropped")])
def test_a_prompt_whose_states_are_read_may_be_a_little_behind(
    evaluator, monkeypatch, behind, outcome
):
    """By a standard error, which is 0.1 here. It does not lead for that."""
    seen: list[tuple[Candidate, str]] = []
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *told: seen.append(told))
    race.start(LOADED.seed)
    ahead = partial(race.round, depth=20, accept=Ahead(), going=lambda: True)
    ahead([Proposal(READ, "test")])
    monkeypatch.setattr(race_module, "difference", lambda *_: Difference(behind, 0.1, 20))
    other = msgspec.structs.replace(READ, example="{text} {label}\n")
    ahead([Proposal(other, "test")])
    assert seen[-1][0].prompt == other and seen[-1][1] == outcome


def test_a_few_formats_are_drawn_within_their_share_of_the_budget(evaluator):
    """Once it is spent the best by what was read so far is taken."""
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *_: None).start(LOADED.seed)
    parts: list[float] = []

    def going(part: float) -> bool:
        parts.append(part)
        return part == DRAWING and len(parts) < 4

    [(name, best)] = best_drawn(race, LOADED, going).items()
    assert name == "the best of 3 random formats" and parts == [DRAWING] * 4
    assert len(best.scored) == len(LOADED.cases["tuning"])


def test_where_states_alone_may_be_read_no_prompt_that_is_read_by_words_is_chosen(evaluator):
    """The model can take no prompt whose states would be read, so the seed stands."""
    narrow = Narrow(evaluator, LOADED.cases["tuning"][0])
    found = tune(
        LOADED, narrow, evaluator.bench, None, Told(), seed=1, budget=500.0,
        fits=lambda _: True, methods=("portfolio",), readouts=("hidden",),
    )  # fmt: skip
    assert unfitted(found) == LOADED.seed


def test_a_row_that_the_model_cannot_take_is_left_out_of_the_map(evaluator):
    tuning, selection = LOADED.cases["tuning"], LOADED.cases["selection"]
    narrow = Narrow(evaluator, tuning[3])
    best = Candidate(READ, "test", scored=evaluator.score(READ, tuning))
    evidence = evaluator.score(READ, selection, "serving")
    mapped = with_map(narrow, LOADED, best, tuning, selection, evidence, budget=0.0)
    assert mapped.separation.n == len(mapped.outcomes) == len(tuning) - 1 + len(selection)
    assert mapped.prompt.map is not None and tuning[3].id not in {o.case for o in mapped.outcomes}


def test_a_row_with_other_options_stays_out_of_the_map(evaluator):
    tuning, selection = LOADED.cases["tuning"], LOADED.cases["selection"]
    odd = msgspec.structs.replace(tuning[0].query, choices=("code 0", "code 9"))
    odd = msgspec.structs.replace(odd, answers=("code 9",))
    same = LOADED.cases["test"][0].query
    rows = {**LOADED.rows, odd.id: odd}
    found = msgspec.structs.replace(LOADED, rows=rows, demonstrations={"code 0": (odd.id, same.id)})
    best = Candidate(READ, "test", scored=evaluator.score(READ, tuning))
    evidence = evaluator.score(READ, selection, "serving")
    mapped = with_map(evaluator, found, best, tuning, selection, evidence, budget=1e9)
    assert mapped.separation.n == len(tuning) + len(selection) + 1


def test_a_large_task_s_map_is_fitted_to_what_the_budget_pays_for(evaluator, monkeypatch):
    monkeypatch.setattr(mapped_module, "LEAST", 6)
    tuning, selection = LOADED.cases["tuning"], LOADED.cases["selection"]
    best = Candidate(READ, "test", scored=evaluator.score(READ, tuning))
    evidence = evaluator.score(READ, selection, "serving")
    each = expected_cost(evaluator.renderer, READ, tuning[:6], Prices(0.01)) / 6

    def rows(budget: float) -> int:
        found = with_map(evaluator, LOADED, best, tuning, selection, evidence, budget)
        return found.separation.n - len(selection)

    assert [rows(0.0), rows(10.5 * each), rows(1e9)] == [6, 10, len(tuning)]


@pytest.mark.parametrize("one_body", [True, False])
def test_what_a_race_read_is_read_again_for_the_map_only_by_another_body(
    evaluator, models, one_body
):
    if one_body:
        evaluator.bench.bodies["serving"] = evaluator.bench.bodies["search"]
    tuning, selection = LOADED.cases["tuning"], LOADED.cases["selection"]
    best = Candidate(READ, "test", scored=evaluator.score(READ, tuning[:15]))
    evidence = evaluator.score(READ, selection, "serving")
    before = len(models.calls)
    mapped = with_map(evaluator, LOADED, best, tuning, selection, evidence, budget=1e9)
    [asked] = models.calls[before:]
    assert len(asked.places) == (5 if one_body else 20)
    assert {one.case for one in mapped.outcomes} == {case.id for case in (*tuning, *selection)}


def test_where_states_alone_may_be_read_no_words_lead(evaluator):
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *_: None)
    race.start(LOADED.seed)
    race.settle(("hidden",), 24, lambda: True)
    assert race.leader.prompt.readout == "words"  # There is no other yet.
    race.round([Proposal(READ, "test")], depth=24, accept=Ahead(), going=lambda: True)
    race.settle(("hidden",), 24, lambda: True)
    assert race.leader.prompt.readout == "hidden"


@pytest.mark.parametrize(("clearly", "deep"), [(-1e9, False), (1e9, True)])
def test_words_race_deep_only_where_states_are_not_clearly_better(
    evaluator, monkeypatch, clearly, deep
):
    monkeypatch.setattr(race_module, "first_rung", lambda prompt, labels: 8)
    monkeypatch.setattr(race_module, "CONTESTED", 16)
    monkeypatch.setattr(race_module, "CLEARLY", clearly)
    cases = LOADED.cases["tuning"]
    race = Race(evaluator, cases, Objective(), lambda *_: None).start(LOADED.seed)
    spoken = msgspec.structs.replace(LOADED.seed, example="{text}\n{head} to {tail}: {label}\n")
    for prompt in (READ, spoken):
        race.round([Proposal(prompt, "test")], depth=20, accept=Ahead(), going=lambda: True)
    words = [c for c in race.entries.values() if c.prompt.readout == "words"]
    assert len(words) == 2 and all(len(c.scored) <= 16 for c in words)
    race.settle(("words", "hidden"), 20, lambda: True)
    assert any(len(c.scored) == 20 for c in words) == deep


def test_a_run_may_be_told_to_read_words_alone(evaluator, models):
    tune(
        LOADED, evaluator, evaluator.bench, None, Told(), seed=1, budget=500.0,
        fits=lambda _: True, methods=("portfolio",), readouts=("words",),
    )  # fmt: skip
    assert {type(call) for call in models.calls} == {Score}


def test_states_can_be_read_where_all_cases_choose_among_the_same_labels():
    every = {name: tiny_tasks.loaded(name) for name in tiny_tasks.tasks()}
    able = {name for name, loaded in every.items() if "hidden" in readouts(loaded, None)}
    assert able == {"relation", "classify", "several"}
    assert readouts(LOADED, None) == ("words", "hidden")
    assert readouts(LOADED, "words") == ("words",)
    with pytest.raises(InputError, match="few cannot be read off hidden states: its"):
        readouts(every["episodes"], "hidden")


@pytest.mark.parametrize("none", [None, "code 3"])
def test_a_task_that_is_asked_yes_or_no_may_end_with_a_prompt_that_reads_states(
    evaluator, told, none
):
    seed = Prompt((), "{text}\n{head} -> {tail}: {label}? {answer}\n")
    task = msgspec.structs.replace(LOADED.task, none=none)
    asked = msgspec.structs.replace(LOADED, task=task, seed=seed)
    evaluator.renderer = Renderer(task, LOADED.rows, evaluator.renderer.tokeniser)
    assert seed.form == "yesno" and readouts(asked, None) == ("words", "hidden")
    found = tuned_from(asked, evaluator, told, seed=1)
    assert found.readout == "hidden" and found.map is not None


def test_a_prompt_without_a_map_of_this_file_answers_nothing(tuned):
    check_map(LOADED.seed, "m", HASH)
    check_map(tuned, "m", HASH)
    with pytest.raises(InputError, match="has no map yet; fit one to a task: strop"):
        check_map(READ, "m", HASH)
    with pytest.raises(InputError, match="fitted to another file than that of other; fit one"):
        check_map(tuned, "other", "6" * 64)
    with pytest.raises(InputError, match="has no map yet"):
        read(READ, [State("c", 0, ("a",), b"")])


def test_prompts_that_ask_no_label_read_no_states():
    replace = partial(msgspec.structs.replace, PROMPT)
    found = LinearMap(HASH, 1, b"\0" * 24)
    for wrong in (
        {"example": "{text}\n{label}? {answer}\n"},
        {"example": "{text}\n{reasoning}\nSo: {answer}\n"},
        {"reverse": "{label}: {text}"},
    ):
        with pytest.raises(PromptError, match="where one of the same labels or options is asked"):
            replace(readout="hidden", **wrong)
    with pytest.raises(PromptError, match="belongs to a prompt whose readout is hidden"):
        replace(map=found)
    assert replace(readout="hidden", map=found).map == found


@pytest.mark.parametrize("kind", KINDS)
def test_every_known_format_is_a_prompt_for_its_kind_and_no_two_are_the_same(kind):
    name = "choice" if kind == "answer" else kind
    loaded = tiny_tasks.loaded(name)
    prompts = [known.prompt(loaded.demonstrations) for known in portfolio(loaded.task, loaded.seed)]
    for prompt in prompts:
        check_suits(prompt, loaded)
    assert len({prompt.id for prompt in prompts}) == len(prompts)
    assert bool(prompts) == (kind in ("relation", "classify", "answer"))


def test_a_given_prompt_is_begun_with_as_it_can_be_read(tuned):
    """By its words where it has no map of this model, or where words alone are asked for."""
    notes: list[str] = []
    catalog = SimpleNamespace(get=lambda name: SimpleNamespace(sha256=HASH if name == "m" else ""))
    host = SimpleNamespace(catalog=catalog, note=notes.append)
    words = msgspec.structs.replace(unfitted(tuned), readout="words")
    assert _readable(host, LOADED, tuned, "m", None) == tuned and not notes
    assert _readable(host, LOADED, words, "other", "words") == words and not notes
    assert _readable(host, LOADED, tuned, "other", None) == words
    assert _readable(host, LOADED, tuned, "m", "words") == words
    assert "was not fitted to the hidden states of other" in notes[0]
    assert "words are asked for: the run begins with its label words" in notes[1]
    several = tiny_tasks.loaded("several")
    assert _readable(host, several, tuned, "other", None) == several.seed
    assert notes[2].endswith("the run begins with the task's own prompt")


def test_a_verdict_names_the_labels_that_paid(evaluator, tuned):
    """The seed prompt has all cases of a label right, and the map of another prompt none."""
    cases = [LOADED.cases["test"][0]] * 12
    gold = cases[0].gold
    scores = [(9.0 if at == gold else 0.0) for at in range(4)]

    def reading(sign: float) -> Prompt:
        """The prompt with a map that says the same whatever the state is."""
        rows = [struct.pack(f"<{WIDTH + 1}f", *[0.0] * WIDTH, sign * score) for score in scores]
        return msgspec.structs.replace(tuned, map=LinearMap(HASH, WIDTH, b"".join(rows)))

    always, never = reading(1.0), reading(-1.0)
    found = give_verdict(evaluator, cases, always, never, model="m", body="serving")
    [lost] = found.paid
    assert (lost.label, lost.n, lost.before, lost.after) == (cases[0].query.label, 12, 12, 0)
    assert give_verdict(evaluator, cases, never, always, model="m", body="serving").paid == ()


def test_the_best_of_the_other_readout_is_not_told_as_the_best_until_it_is(evaluator):
    told: list[Candidate] = []
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *_: None, told.append)
    race.start(LOADED.seed)
    race.round([Proposal(READ, "test")], depth=24, accept=Ahead(), going=lambda: True)
    assert [one.prompt.readout for one in told] == ["words", "words"]
    race.settle(("words", "hidden"), 24, lambda: True)
    assert [one.prompt.readout for one in told[2:]] == ["hidden"]


def test_a_search_that_is_to_finish_compares_the_readouts_as_they_are(evaluator, models):
    cases = LOADED.cases["tuning"]
    race = Race(evaluator, cases, Objective(), lambda *_: None).start(LOADED.seed)
    few = Candidate(READ, "test", scored=evaluator.score(READ, cases[:12]))
    race.promote(few, "leads")
    before = len(models.calls)
    race.settle(("words", "hidden"), 24, lambda: False)
    assert len(models.calls) == before and race.leader is few


def test_formats_that_ask_the_same_are_drawn_once(evaluator, monkeypatch):
    race = Race(evaluator, LOADED.cases["tuning"], Objective(), lambda *_: None).start(LOADED.seed)
    same = [READ, msgspec.structs.replace(READ, order="reversed")]
    assert same[0] != same[1] and race.key(same[0]) == race.key(same[1])
    monkeypatch.setattr(drawn_module, "typical", lambda loaded, most: same)
    assert [*best_drawn(race, LOADED, lambda part: True)] == ["the best of 1 random formats"]


def test_a_run_may_begin_with_a_prompt_that_reads_states_where_options_have_letters(models):
    letters = ("(A)", "(B)")
    rows = [
        Example(f"Which of ({n})?\nOptions:\n(A) one\n(B) two", answers=(right,), choices=letters)
        for n in range(30)
        for right in letters
    ]
    cases = {"tuning": rows[:30], "selection": rows[30:50], "test": rows[50:]}
    split = {name: [Case(row) for row in several] for name, several in cases.items()}
    task = Task("order", "answer", "fixed", (), match="choice")
    first = LinearMap(HASH, WIDTH, bytes(4 * (WIDTH + 1) * len(letters)))
    seed = Prompt((), "{text}\nAnswer: {answer}\n", readout="hidden", map=first)
    loaded = Loaded("t", "h", task, seed, {row.id: row for row in rows}, split, {})
    tried: set[tuple[str, str]] = set()

    class Tried(Told):
        def candidate(self, stage, candidate, outcome):
            tried.add((candidate.prompt.readout, candidate.prompt.options))

    evaluator = two_bodies(loaded, models)
    tune(
        loaded, evaluator, evaluator.bench, None, Tried(), seed=1, budget=3000.0,
        fits=lambda _: True, readouts=("words", "hidden"),
    )  # fmt: skip
    assert {("hidden", "letters"), ("words", "letters"), ("words", "words")} <= tried
