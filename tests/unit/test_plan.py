"""A plan says before a run what its minutes pay for, from prices that are given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import tiny_tasks
from in_process import PROMPT, TASK, InProcess, WordModel, case, many, row
from scripted_model import ScriptedModel, Thinker
from tiny_gguf import build

from appliance.encode.renderer import Renderer
from appliance.encode.turns import CANNOT_SWITCH
from appliance.errors import BudgetError, InputError
from appliance.evaluate.lengths import check_lengths, fits
from appliance.evaluate.workbench import Body, Prices
from appliance.host.host import Host
from appliance.host.plan import LEAST_CANDIDATES, affordable, make_plan, verdict_minutes
from appliance.host.prices import price_bodies
from appliance.host.room import check_room
from appliance.host.workload import Workload, open_workload
from appliance.prompts.loaded import Loaded
from appliance.prompts.seeds import plain_seed
from appliance.tune import MINUTE
from models.catalog import Catalog


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


def test_all_rows_that_are_too_long_are_named_at_once_with_their_split_and_their_beginning():
    long = [case(row("Mirel", "Vell", before=f"{n} again and " * 30)) for n in range(12)]
    splits = {"tuning": many(5), "selection": long[:1], "test": [*many(3), *long[1:]]}

    def found(context: int, splits: Any = splits, prompt: Any = PROMPT) -> int:
        return check_lengths(workload([], context).renderer, prompt, splits, "tiny")

    longest = found(10_000)
    assert found(longest) == longest
    with pytest.raises(InputError) as refused:
        found(60)
    first, *lines = str(refused.value).split("\n  ")
    assert first == (
        "with this prompt 12 of 20 rows take more than the 60 tokens of the context of tiny; "
        "shorten the prompt or these rows, or leave them out:"
    )
    assert len(lines) == 11 and lines[-1] == "and 2 more"
    assert lines[0].startswith("selection, ") and 'tokens: "0 again and' in lines[0]
    assert all(line.startswith("test, ") for line in lines[1:-1])
    with pytest.raises(InputError, match="or show fewer demonstrations"):
        found(60, {"tuning": [case(row("A", "B", before="more " * 30), row("C", "D"))]})


def test_a_context_that_memory_does_not_hold_is_refused_before_the_run(tmp_path, monkeypatch):
    catalog = Catalog(tmp_path / "models")
    (tmp_path / "tiny.gguf").write_bytes(build())
    model = catalog.add_gguf(tmp_path / "tiny.gguf", "tiny", licence="", origin="")
    host = Host(catalog, InProcess(WordModel()), print)
    monkeypatch.setattr("models.memory.available", lambda: 1000)
    check_room(host, model, 1)
    with pytest.raises(InputError, match="the longest row takes 90000 tokens, whose context needs"):
        check_room(host, model, 90_000)


def test_a_prompt_that_is_too_long_for_all_rows_is_found_out_by_the_first(monkeypatch):
    renderer, looked_at = workload(many(50), 3).renderer, []
    real = renderer.lengths
    monkeypatch.setattr(
        renderer, "lengths", lambda prompt, cases: looked_at.append(cases) or real(prompt, cases)
    )
    cases = many(50)
    with pytest.raises(InputError, match="this prompt alone takes more than the 3 tokens"):
        check_lengths(renderer, PROMPT, {"tuning": cases}, "tiny")
    assert not fits(renderer, PROMPT, cases)
    assert looked_at == [cases[:1]]


def test_the_minutes_of_a_verdict_are_told_without_a_test_row_being_read():
    unread, counter = many(7, before="test "), Counter()
    split = {"tuning": many(30), "selection": many(30), "test": unread}
    loaded = Loaded("t", "h", TASK, plain_seed(TASK, {}), {}, split, {})
    work: Any = Workload(loaded, counter)
    # The other prompt is asked all seven a second time, in another order.
    assert verdict_minutes(work, [], Prices(1.0)) == pytest.approx(3 * 7 * 1000 / MINUTE)
    assert counter.asked and not {case.id for case in counter.asked} & {each.id for each in unread}


def test_the_search_has_six_tenths_of_the_minutes_for_its_candidates():
    assert affordable(1000, 2.0, 0.6) == (2.0, int(0.6 * 2 * MINUTE / 1000))


def test_too_few_minutes_are_refused_with_the_minutes_that_do():
    with pytest.raises(BudgetError, match=r"--minutes (\d+\.\d)") as refused:
        affordable(1000, 0.1, 0.6)
    advised = float(str(refused.value).split("--minutes ")[1])
    assert affordable(1000, advised, 0.6)[1] >= LEAST_CANDIDATES


def test_minutes_that_may_stretch_become_as_many_as_a_search_takes():
    minutes, candidates = affordable(1000, 0.1, 0.6, stretch=True)
    assert candidates >= LEAST_CANDIDATES and 0.1 < minutes < 1.0
    assert affordable(1000, 5.0, 0.6, stretch=True)[0] == 5.0


def test_a_run_notes_that_a_models_thinking_cannot_be_switched_off(tmp_path):
    class BodyHost(AnyHost):
        def body(self, model, body, prices):
            return Body(self.worker(model, body), "", prices)

    catalog: Any = None
    pool: Any = InProcess(Thinker(tmp_path))
    notes: list[str] = []
    host = BodyHost(catalog, pool, notes.append)
    model: Any = SimpleNamespace(name="target", search="fast", serving_body="slow")
    other: Any = SimpleNamespace(name="writer", search="fast", serving_body="slow")
    loaded = tiny_tasks.loaded(next(iter(tiny_tasks.tasks())))
    price_bodies(host, model, other, open_workload(host, model, loaded))
    assert notes == [f"writer: {CANNOT_SWITCH}"]
    chat = msgspec.structs.replace(loaded, seed=msgspec.structs.replace(loaded.seed, mode="chat"))
    price_bodies(host, model, other, open_workload(host, model, chat))
    assert notes[1:] == [f"target: {CANNOT_SWITCH}", f"writer: {CANNOT_SWITCH}"]


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
