"""What a plan says before a run, from prices that are given."""

from __future__ import annotations

import pytest
from in_process import TASK, many

from appliance.errors import BudgetError
from appliance.plan import LEAST_CANDIDATES, Agreement, Gauge
from appliance.tasks import Loaded, plain_seed
from appliance.tune import MINUTE
from appliance.workbench import Body, Prices


class Bench:
    """A gauge whose candidates take 1,000 tokens a rung; nothing is measured."""

    def __init__(self) -> None:
        self.gauge = Gauge.__new__(Gauge)
        cases = many(30)
        split = {"tuning": cases, "selection": cases, "test": cases}
        self.gauge.loaded = Loaded("t", "h", TASK, plain_seed({}), {}, split, {})
        self.gauge.renderer = self
        self.gauge.model = self
        self.search, self.serving = "fast", "slow.gguf"
        self.bodies = {"slow": self}
        self.file = "slow.gguf"
        self.gauge.agreement = lambda: Agreement(0.99, 136)

    def tokens(self, prompt, cases) -> int:
        return 1000

    def plan(self, minutes: float, **more):
        bodies = {role: Body(role, "", Prices(1.0)) for role in ("search", "serving")}
        return self.gauge.plan(bodies, minutes, **more)


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
