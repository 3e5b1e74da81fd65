"""The stages end to end, and the choice between the few that are left."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, InProcess, Judge, MemoryJournal, many, row
from scripted_model import ScriptedModel

from appliance.calibrate.objective import Objective, log_shares
from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import (
    Body,
    Prices,
    Unanswerable,
    Workbench,
)
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Written
from appliance.search.candidate import Candidate
from appliance.search.objective import objective_of
from appliance.search.rungs import Rung
from appliance.search.schedule import FIRST, ordered, race_depth
from appliance.search.selection import LEAST, select
from appliance.statistics.proportions import Estimate
from appliance.task import Case, Label
from appliance.tune import tune

SELECTION = many(60)
QUALITY = {"good\n": 3.0, "bad\n": -3.0, "": 0.5}
GOOD, BAD = (PROMPT.with_section("role", f"{name}\n") for name in ("good", "bad"))


class Unread(list):
    """Test cases that nobody may look at."""

    def __iter__(self):
        raise AssertionError("the test split was read")

    def __getitem__(self, at):
        raise AssertionError("the test split was read")


def loaded(tuning=(), test=None, task=TASK) -> Loaded:
    split = {"tuning": list(tuning), "selection": SELECTION, "test": test or Unread()}
    return Loaded("t", "h", task, PROMPT, {}, split, {})


class Served(Judge):
    """A judge that costs one unit a case and is asked by role."""

    def __init__(self) -> None:
        super().__init__(lambda prompt: QUALITY[prompt.section("role")])
        self.roles: set[str] = set()
        self.bench = SimpleNamespace(bodies={"serving": Body("m", "m", Prices(1.0))})
        self.renderer = SimpleNamespace(task=TASK, tokens=lambda prompt, cases: len(cases))

    def score(self, prompt, cases, role="search"):
        self.roles.add(role)
        return super().score(prompt, cases, role)


GIVEN = ("seed", "calibrate")
"""The prompt that a run begins with, by itself and calibrated."""


class Told:
    def __init__(self) -> None:
        self.chosen: list[tuple[str, int]] = []
        self.stages: list[str] = []
        self.biases: list[int] = []
        self.candidates: list[Candidate] = []
        self.tried: list[tuple[str, str, str]] = []
        self.settlements: list[tuple[Prompt, Prompt]] = []
        self.rungs: tuple[Rung, ...] = ()

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def led(self, candidate: Candidate) -> None: ...
    def candidate(self, stage: str, candidate: Candidate, outcome: str) -> None:
        self.biases.append(len(candidate.final.bias))
        self.candidates.append(candidate)
        if outcome != "extended":
            self.tried.append((stage, candidate.operator, candidate.prompt.id))

    def selected(self, candidate: Candidate, found: Estimate, loss: float) -> None:
        self.chosen.append((candidate.prompt.id, found.n))

    def raced(self, rungs) -> None:
        self.rungs = rungs

    def mapped(self, mapped, alike) -> None: ...

    def fitted(self, candidate: Candidate, prompt: Prompt) -> None:
        self.settlements.append((candidate.final, prompt))


def test_where_micro_f1_is_sought_every_other_case_has_something_to_find():
    """One in seven has a relation: without an order of their own a race would see three of 24."""
    task = msgspec.structs.replace(TASK, labels=(*TASK.labels, Label("none")), none="none")
    labels = (*LABELS, "none")
    cases = [
        Case(row(f"P {n}", f"F {n}", "author" if n % 7 == 0 else "none"), labels) for n in range(70)
    ]
    plain = ordered(cases, task, seed=1)
    assert plain != cases and sorted(c.id for c in plain) == sorted(c.id for c in cases)
    sought = ordered(cases, msgspec.structs.replace(task, metric="micro_f1"), seed=1)
    assert sorted(c.id for c in sought) == sorted(c.id for c in cases)
    assert [c.query.label for c in sought[:20]] == ["author", "none"] * 10
    assert {c.query.label for c in sought[20:]} == {"none"}
    assert ordered(cases, task, seed=1) == plain != ordered(cases, task, seed=2)


def test_rows_that_are_set_aside_as_demonstrations_count_in_how_common_a_label_is():
    """A tenth of all rows have a label; of those that are scored a twentieth do."""
    names = (*LABELS, "none")
    task = msgspec.structs.replace(
        TASK, labels=tuple(map(Label, names)), none="none", metric="micro_f1"
    )
    rows = [row(f"P {n}", f"F {n}", "author" if n < 20 else "none") for n in range(200)]
    kept = {"author": tuple(r.id for r in rows[:11])}
    cases = [Case(r, names) for r in rows[11:]]
    found = msgspec.structs.replace(
        loaded(cases, task=task), rows={r.id: r for r in rows}, demonstrations=kept
    )
    objective = objective_of(found)
    assert objective.metric == "micro_f1" and objective.positive_share == 0.1
    assert objective.shares == log_shares([Case(r, names) for r in rows])
    assert objective.none == 3 and objective.asked_shares == objective.shares[:3]
    plain = msgspec.structs.replace(found, task=msgspec.structs.replace(task, metric="accuracy"))
    assert objective_of(plain).positive_share is None
    episodes = msgspec.structs.replace(task, protocol="episodes")
    assert (
        objective_of(msgspec.structs.replace(found, task=episodes, demonstrations={})).shares == ()
    )


def test_the_races_of_a_run_weigh_cases_as_they_come(tmp_path):
    names = (*LABELS, "none")
    task = msgspec.structs.replace(
        TASK, labels=tuple(map(Label, names)), none="none", metric="micro_f1"
    )
    cases = [
        Case(row(f"P {n}", f"F {n}", "author" if n < 12 else "none"), names) for n in range(120)
    ]
    selection = cases[::4]
    split = {"tuning": cases, "selection": selection, "test": Unread()}
    _, told = tuned(tmp_path, msgspec.structs.replace(loaded(task=task), cases=split))
    assert {candidate.objective.positive_share for candidate in told.candidates} == {0.1}
    deep = next(c for c in told.candidates if len(c.scored) == FIRST)
    assert sum(one.positive for one in deep.scored) == FIRST / 2
    assert {round(weight, 4) for weight in deep.objective.weights(deep.scored)} == {0.2, 1.8}


def entrant(prompt, judge: Judge, *, fixed: bool = False) -> Candidate:
    """As the search leaves it: scored on tuning cases."""
    return Candidate(prompt, "test", scored=Judge.score(judge, prompt, many(FIRST)), fixed=fixed)


def test_the_best_on_selection_rows_by_the_serving_body_is_chosen():
    judge, told = Served(), Told()
    entrants = [entrant(p, judge, fixed=p == PROMPT) for p in (PROMPT, BAD, GOOD)]
    judge.scored.clear()
    best, outcomes, _ = select(judge, SELECTION, entrants, 1e6, told.selected)
    assert best is entrants[2]
    assert [outcome.case for outcome in outcomes] == [case.id for case in SELECTION]
    assert judge.roles == {"serving"}
    assert told.chosen == [(p.id, len(SELECTION)) for p in (PROMPT, BAD, GOOD)]
    assert set(judge.scored[GOOD.id]) == {case.id for case in SELECTION}


def test_where_f1_is_sought_finding_nothing_is_not_chosen_for_being_cheap():
    def written(counts: tuple[int, int, int]) -> Written:
        hit, wrong, missed = counts
        right = 2 * hit / (2 * hit + wrong + missed) if any(counts) else 1.0
        return Written("1", "", right, wrong == missed == 0, counts, 1.0)

    # Of 60 rows 15 have something to find; the first prompt finds 4 and errs often.
    finds = [written((1, 2, 0))] * 4 + [written((0, 1, 1))] * 11 + [written((0, 1, 0))] * 45
    nothing = [written((0, 0, 1))] * 15 + [written((0, 0, 0))] * 45
    judge = Served()
    judge.score = lambda prompt, cases, role: finds if prompt == GOOD else nothing
    entrants = [
        Candidate(prompt, "format", scored=scored, objective=Objective("span_f1"))
        for prompt, scored in ((BAD, nothing), (GOOD, finds))
    ]
    judge.task = msgspec.structs.replace(TASK, metric="span_f1")
    assert sum(entrants[0].penalties_of(nothing)) < sum(entrants[1].penalties_of(finds))
    assert select(judge, SELECTION, entrants, 1e6, Told().selected)[0] is entrants[1]


def test_the_seed_stands_unless_something_is_better():
    judge = Served()
    seed = entrant(PROMPT, judge, fixed=True)
    twin = entrant(msgspec.structs.replace(PROMPT, order="reversed"), judge)
    for others in ([twin], [entrant(BAD, judge), seed]):
        assert select(judge, SELECTION, [seed, *others], 1e6, Told().selected)[0] is seed


@pytest.mark.parametrize(("budget", "n"), [(0, LEAST), (90, 44), (1000, 60)])
def test_as_many_selection_rows_are_scored_as_the_budget_pays_for(budget, n):
    judge, told = Served(), Told()
    entrants = [entrant(p, judge) for p in (PROMPT, GOOD)]
    select(judge, SELECTION, entrants, budget, told.selected)
    assert [cases for _, cases in told.chosen] == [n, n]


def test_an_entrant_that_the_model_cannot_take_is_passed_over_but_not_the_seed():
    class Narrow(Served):
        too_long = GOOD

        def score(self, prompt, cases, role="search"):
            if role == "serving" and prompt.sections == self.too_long.sections:
                raise Unanswerable("the prompt is too long")
            return super().score(prompt, cases, role)

    judge = Narrow()
    entrants = [entrant(p, judge, fixed=p == PROMPT) for p in (PROMPT, GOOD, BAD)]
    assert select(judge, SELECTION, entrants, 1e6, Told().selected)[0] is entrants[0]
    judge.too_long = PROMPT
    same = entrant(PROMPT, judge, fixed=True)
    with pytest.raises(Unanswerable):
        select(judge, SELECTION, [entrants[0], entrants[1], same], 1e6, Told().selected)


@pytest.mark.parametrize(
    ("cost", "budget", "depth"),
    [(1.0, 100.0, 2 * FIRST), (1.0, 1000.0, 100), (1.0, 1e6, 8 * FIRST), (0.0, 0.0, 2 * FIRST)],
)
def test_a_race_is_as_deep_as_a_tenth_of_the_budget_within_bounds(cost, budget, depth):
    assert race_depth(cost, budget) == depth


def tuned(folder, task: Loaded, fits=lambda _: True, **more) -> tuple[Prompt, Told]:
    models = InProcess(ScriptedModel(folder))
    prices = Prices(0.01, 0.01, 0.01)
    bodies = {role: Body("m", role, prices) for role in ("search", "serving", "twin", "reasoner")}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    tokeniser = models.tokeniser()
    evaluator = Evaluator(bench, Renderer(task.task, {}, tokeniser))
    told = Told()
    given = {"seed": 3, "budget": 1500.0, "fits": fits, **more}
    return tune(task, evaluator, bench, tokeniser, told, **given), told


@pytest.mark.parametrize("number", [20, 33])
def test_a_search_of_so_many_candidates_is_the_same_whatever_more_it_might_spend(tmp_path, number):
    ends = [
        tuned(tmp_path, loaded(many(40)), budget=budget, candidates=number)
        for budget in (50_000.0, 500_000.0)
    ]
    (best, told), (again, told_again) = ends
    assert best == again and told.tried == told_again.tried
    tried = {
        stage: {id for at, operator, id in told.tried if at == stage and operator not in GIVEN}
        for stage in ("search", "refine")
    }
    assert len(tried["search"]) == number and 0 < len(tried["refine"]) <= round(number / 3)


def test_prompts_that_a_test_row_does_not_fit_are_passed_over(tmp_path):
    task = loaded(many(40))
    best, told = tuned(tmp_path, task, fits=lambda _: False)
    assert [prompt for prompt, _ in told.chosen] == [task.seed.id]
    assert msgspec.structs.replace(best, temperature=1.0, abstain=0.0) == task.seed


def test_a_run_goes_through_its_stages_and_reads_no_test_row(tmp_path):
    best, told = tuned(tmp_path, loaded(many(40)))
    assert told.stages == ["search", "refine", "selection"]
    assert told.chosen
    tried = {id for at, _, id in told.tried if at == "search"}
    assert told.rungs[0].cases == FIRST and told.rungs[0].candidates >= len(tried) - 1
    assert all(rung.tokens > 0 for rung in told.rungs)
    [(winner, settled)] = told.settlements
    assert settled == best != winner
    assert msgspec.structs.replace(best, temperature=1.0, abstain=0.0) == winner


def test_candidates_get_priors_where_all_cases_have_the_same_labels_only(tmp_path):
    """A position among an episode's labels means another relation in the next episode."""
    _, told = tuned(tmp_path, loaded(many(40)))
    assert set(told.biases[1:]) == {len(TASK.labels)}
    episodes = msgspec.structs.replace(TASK, protocol="episodes")
    _, told = tuned(tmp_path, loaded(many(40), task=episodes))
    assert set(told.biases) == {0}
