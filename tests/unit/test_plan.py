"""What a plan says before a run, from prices that are given."""

from __future__ import annotations

import msgspec
import pytest
from in_process import PROMPT, TASK, InProcess, WordModel, case, many, row

from appliance.data.tasks import Loaded
from appliance.encode.renderer import Renderer
from appliance.errors import BudgetError, InputError
from appliance.evaluate.workbench import Body, Prices
from appliance.host.plan import LEAST_CANDIDATES, Agreement, Planner
from appliance.prompts.seeds import plain_seed
from appliance.tune import MINUTE


class Bench:
    """A gauge whose candidates take 1,000 tokens a rung; nothing is measured."""

    def __init__(self) -> None:
        self.planner = Planner.__new__(Planner)
        cases = many(30)
        split = {"tuning": cases, "selection": cases, "test": cases}
        self.planner.loaded = Loaded("t", "h", TASK, plain_seed(TASK, {}), {}, split, {})
        self.planner.renderer = self
        self.planner.model = self
        self.task = TASK
        self.search, self.serving_body = "fast", "slow"
        self.planner.agreement = lambda one, other: Agreement(0.99, 136)

    def tokens(self, prompt, cases) -> int:
        return 1000

    def plan(self, minutes: float, **more):
        bodies = {role: Body(role, "", Prices(1.0)) for role in ("search", "serving")}
        return self.planner.plan(bodies, minutes, **more)


class Lengths(Bench):
    """A gauge over real tokens whose model takes ``context`` of them."""

    def __init__(self, cases, context: int) -> None:
        super().__init__()
        split = {"tuning": cases, "selection": cases[:1], "test": cases[:1]}
        self.planner.loaded = Loaded("t", "h", TASK, PROMPT, {}, split, {})
        tokeniser = InProcess(WordModel()).tokeniser()
        tokeniser.description = msgspec.structs.replace(tokeniser.description, context=context)
        self.planner.tokeniser = tokeniser
        self.planner.renderer = Renderer(TASK, {}, tokeniser)
        self.name = "tiny"


def test_a_row_that_is_too_long_is_refused_before_the_run_with_its_split_and_its_beginning():
    cases = [*many(5), case(row("Mirel", "Vell", before="again and " * 30))]
    longest = max(Lengths(cases, 0).planner.renderer.lengths(PROMPT, cases))
    Lengths(cases, longest).planner.check_lengths()
    with pytest.raises(InputError, match="a tuning row is too long for tiny") as refused:
        Lengths(cases, longest - 1).planner.check_lengths()
    assert f"{longest} tokens, and it takes {longest - 1}" in str(refused.value)
    assert '"again and again' in str(refused.value)


def test_a_plan_reads_no_test_row():
    bench = Bench()
    asked = []
    bench.planner.renderer.tokens = lambda prompt, cases: asked.extend(cases) or 1000 * len(cases)
    unread = many(7, before="test ")
    bench.planner.loaded.cases["test"] = unread
    assert bench.plan(30.0).verdict_minutes == 0.2
    assert asked and not {case.id for case in asked} & {case.id for case in unread}


def test_a_plan_says_how_many_candidates_the_minutes_pay_for():
    plan = Bench().plan(2.0)
    assert plan.candidates == int(0.6 * 2 * MINUTE / 1000)
    assert f"At most {plan.candidates} candidates" in plan.text and "n = 136" in plan.text


def test_too_few_minutes_are_refused_with_the_minutes_that_do():
    bench = Bench()
    with pytest.raises(BudgetError, match=r"--minutes (\d+\.\d)") as refused:
        bench.plan(0.1)
    advised = float(str(refused.value).split("--minutes ")[1])
    assert bench.plan(advised).candidates >= LEAST_CANDIDATES


def test_minutes_that_may_stretch_become_as_many_as_a_search_takes():
    plan = Bench().plan(0.1, stretch=True)
    assert plan.candidates >= LEAST_CANDIDATES and 0.1 < plan.minutes < 1.0
    assert Bench().plan(5.0, stretch=True).minutes == 5.0
