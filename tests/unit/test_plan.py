"""A plan says before a run what its minutes pay for, from prices that are given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import tiny_tasks
from in_process import PROMPT, TASK, InProcess, WordModel, case, many, row
from scripted_model import ScriptedModel

from appliance.encode.renderer import Renderer
from appliance.errors import BudgetError, InputError
from appliance.evaluate.lengths import too_long
from appliance.evaluate.workbench import Body, Prices
from appliance.host.host import Host
from appliance.host.lengths import check_lengths
from appliance.host.plan import LEAST_CANDIDATES, affordable, make_plan, verdict_minutes
from appliance.host.workload import Workload, open_workload
from appliance.prompts.loaded import Loaded
from appliance.prompts.seeds import plain_seed
from appliance.tune import MINUTE


def workload(cases, context: int) -> Workload:
    """Its model takes ``context`` tokens."""
    split = {"tuning": cases, "selection": cases[:1], "test": cases[:1]}
    tokeniser = InProcess(WordModel()).tokeniser()
    tokeniser.description = msgspec.structs.replace(tokeniser.description, context=context)
    return Workload(Loaded("t", "h", TASK, PROMPT, {}, split, {}), Renderer(TASK, {}, tokeniser))


class Counter:
    """A renderer that finds 1,000 tokens in every case and remembers what it was asked about."""

    task = TASK

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def tokens(self, prompt, cases) -> int:
        self.asked += cases
        return 1000 * len(cases)


class AnyHost(Host):
    """A host whose models answer in this process, whatever their names."""

    def worker(self, model, body: str) -> str:
        return f"{model.name}/{body}"


def test_a_row_that_is_too_long_is_refused_before_the_run_with_its_split_and_its_beginning():
    cases = [*many(5), case(row("Mirel", "Vell", before="again and " * 30))]
    longest = max(workload(cases, 0).renderer.lengths(PROMPT, cases))
    check_lengths(workload(cases, longest), "tiny")
    with pytest.raises(InputError, match="a tuning row is too long for tiny") as refused:
        check_lengths(workload(cases, longest - 1), "tiny")
    assert f"{longest} tokens, and it takes {longest - 1}" in str(refused.value)
    assert '"again and again' in str(refused.value)


def test_a_prompt_that_is_too_long_for_all_rows_is_found_out_by_the_first(monkeypatch):
    renderer, looked_at = workload(many(50), 3).renderer, []
    real = renderer.lengths
    monkeypatch.setattr(
        renderer, "lengths", lambda prompt, cases: looked_at.append(cases) or real(prompt, cases)
    )
    found = next(too_long(renderer, PROMPT, cases := many(50)))
    assert (found[0], looked_at) == (cases[0], [cases[:1]])
    assert [case for case, _ in too_long(renderer, PROMPT, cases)] == cases


def test_the_minutes_of_a_verdict_are_told_without_a_test_row_being_read():
    unread, counter = many(7, before="test "), Counter()
    split = {"tuning": many(30), "selection": many(30), "test": unread}
    loaded = Loaded("t", "h", TASK, plain_seed(TASK, {}), {}, split, {})
    work: Any = Workload(loaded, counter)
    assert verdict_minutes(work, Prices(1.0)) == pytest.approx(2 * 7 * 1000 / MINUTE)
    assert counter.asked and not {case.id for case in counter.asked} & {each.id for each in unread}


def test_the_search_has_six_tenths_of_the_minutes_for_its_candidates():
    assert affordable(1000, 2.0) == (2.0, int(0.6 * 2 * MINUTE / 1000))


def test_too_few_minutes_are_refused_with_the_minutes_that_do():
    with pytest.raises(BudgetError, match=r"--minutes (\d+\.\d)") as refused:
        affordable(1000, 0.1)
    advised = float(str(refused.value).split("--minutes ")[1])
    assert affordable(1000, advised)[1] >= LEAST_CANDIDATES


def test_minutes_that_may_stretch_become_as_many_as_a_search_takes():
    minutes, candidates = affordable(1000, 0.1, stretch=True)
    assert candidates >= LEAST_CANDIDATES and 0.1 < minutes < 1.0
    assert affordable(1000, 5.0, stretch=True)[0] == 5.0


@pytest.mark.parametrize("name", tiny_tasks.tasks())
def test_a_plan_says_what_the_minutes_pay_for_and_how_two_bodies_agree(tmp_path, name):
    catalog: Any = None
    pool: Any = InProcess(ScriptedModel(tmp_path))
    model: Any = SimpleNamespace(name="m", search="fast", serving_body="slow")
    host = AnyHost(catalog, pool, print)
    work = open_workload(host, model, tiny_tasks.loaded(name))
    prices = {"search": Prices(0.5, sample=0.5), "serving": Prices(10.0, sample=10.0)}
    bodies = {role: Body(role, "", price) for role, price in prices.items()}
    plan = make_plan(host, model, work, bodies, 60.0)
    assert plan.candidates > LEAST_CANDIDATES and plan.verdict_minutes > 0
    few = make_plan(host, model, work, bodies, 60.0, most=LEAST_CANDIDATES)
    assert few == msgspec.structs.replace(
        plan,
        candidates=LEAST_CANDIDATES,
        text=plan.text.replace(f"most {plan.candidates} c", f"most {LEAST_CANDIDATES} c"),
    )
    assert plan.agreement.spearman == 1.0  # One scripted model answers for both bodies.
    for said in (
        f"At most {plan.candidates} candidates on {plan.cases_per_candidate} cases or more in 60",
        f"about {plan.verdict_minutes} minutes for the verdict on",
        "fast searches at 2000 tokens/s, slow serves at 100;",
        f"agree in rank at 1.000 (Spearman, n = {plan.agreement.n})",
    ):
        assert said in plan.text
