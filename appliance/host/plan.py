"""A plan says before a run what this host can do in the time, measured on the task itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import fmean

import msgspec

from appliance.errors import BudgetError
from appliance.evaluate.cost import expected_cost
from appliance.evaluate.lengths import check_lengths
from appliance.evaluate.workbench import Body, Prices
from appliance.host.agreement import Agreement, score_agreement
from appliance.host.host import Host
from appliance.host.prices import price_bodies
from appliance.host.room import check_room
from appliance.host.twin import NoTwin, with_twin
from appliance.host.workload import Workload, open_workload
from appliance.prompts.loaded import Loaded
from appliance.prompts.prompt import Prompt, Readout
from appliance.scoring.likeness import rows_of
from appliance.search.portfolio import likeness_line
from appliance.search.readouts import how_read
from appliance.search.schedule import FIRST, LEAST_CANDIDATES, first_rung
from appliance.search.typical import typical_prompts
from appliance.task import Case
from appliance.tune import MINUTE, search_share
from appliance.verdict.verdict import AGAIN
from models.catalog import Model


class Plan(msgspec.Struct, frozen=True):
    """Speeds are in tokens a second; ``verdict_minutes`` come after the minutes asked for."""

    candidates: int
    cases_per_candidate: int
    minutes: float
    verdict_minutes: float
    search_body: str
    search_tokens_per_s: float
    serving_body: str
    serving_tokens_per_s: float
    agreement: Agreement
    text: str


def measure_and_plan(
    host: Host,
    model: Model,
    reasoner: Model,
    loaded: Loaded,
    minutes: float,
    *,
    most: int | None,
    stretch: bool,
    readouts: Sequence[Readout],
    likeness: bool,
) -> tuple[dict[str, Body], Plan]:
    """Returns every role's body with its prices, and the plan of a run with them, which tries
    ``most`` candidates where that is given, with the ``readouts`` that they may have, and with a
    ``likeness`` or without.

    Where the model has no twin that can be used, there is no such role, and the plan says why.
    Raises InputError for rows that are too long for the model or for this machine's memory, and
    BudgetError where the minutes are too few and must not ``stretch``.
    """
    work = open_workload(host, model, loaded)
    check_room(host, model, check_lengths(work.renderer, loaded.seed, loaded.cases, model.name))
    without = ""
    try:
        model = with_twin(host, model)
    except NoTwin as error:
        without = f"Stage 2 is left out: {error}"
        host.note(without)
    bodies = price_bodies(host, model, reasoner, work, twin=not without)
    plan = make_plan(
        host,
        model,
        work,
        bodies,
        minutes,
        most=most,
        stretch=stretch,
        readouts=readouts,
        likeness=likeness,
    )
    return bodies, msgspec.structs.replace(plan, text=" ".join(filter(None, (plan.text, without))))


def make_plan(
    host: Host,
    model: Model,
    work: Workload,
    bodies: Mapping[str, Body],
    minutes: float,
    *,
    most: int | None = None,
    stretch: bool = False,
    readouts: Sequence[Readout] = ("words",),
    likeness: bool = False,
) -> Plan:
    """Returns the plan of a run that tries ``most`` candidates, or as many as its minutes pay for.
    Raises BudgetError as ``affordable`` does."""
    typical = typical_prompts(work.loaded, readouts)
    cost = cost_of_a_candidate(work, typical, bodies["search"].prices)
    share = search_share(bodies, readouts)
    minutes, affords = affordable(cost, minutes, share, stretch=stretch)
    candidates = min(affords, most or affords)
    verdict = verdict_minutes(work, typical, bodies["serving"].prices, likeness=likeness)
    search, serving = (host.worker(model, body) for body in (model.search, model.serving_body))
    agreement = score_agreement(host.pool, work.sheet(), search, serving)
    speeds = {role: round(1000 / bodies[role].prices.prefill) for role in ("search", "serving")}
    first, tests = len(_first_rung(work, typical[0])), len(work.loaded.cases["test"])
    return Plan(
        candidates=candidates,
        cases_per_candidate=first,
        minutes=minutes,
        verdict_minutes=round(verdict, 1),
        search_body=model.search,
        search_tokens_per_s=speeds["search"],
        serving_body=model.serving_body,
        serving_tokens_per_s=speeds["serving"],
        agreement=agreement,
        text=(
            f"At most {candidates} candidates on {first} cases or more in {minutes:g} minutes, "
            f"then about {verdict:.1f} minutes for the verdict on {tests} test cases. "
            f"{model.search} searches at {speeds['search']} tokens/s, {model.serving_body} serves "
            f"at {speeds['serving']}; their label scores agree in rank at "
            f"{agreement.spearman:.3f} (Spearman, n = {agreement.n}). "
            f"{how_read(work.loaded, readouts, likeness=likeness)}"
        ).rstrip(),
    )


def affordable(
    cost: float, minutes: float, share: float, *, stretch: bool = False
) -> tuple[float, int]:
    """Returns the minutes of a run and how many candidates of that ``cost`` its search can try in
    its ``share`` of them.
    Raises BudgetError where these are fewer than ``LEAST_CANDIDATES``, unless the minutes may
    ``stretch`` until they pay for that number."""
    least = 1.05 * LEAST_CANDIDATES * cost / share / MINUTE
    if stretch:
        minutes = max(minutes, ceil(10 * least) / 10)
    candidates = int(share * minutes * MINUTE / cost)
    if candidates < LEAST_CANDIDATES:
        raise BudgetError(
            f"{minutes:g} minutes pay for {candidates} candidates on this machine, too few to "
            f"search; at least {LEAST_CANDIDATES} need --minutes {1.05 * least + 0.05:.1f}"
        )
    return minutes, candidates


def cost_of_a_candidate(work: Workload, typical: Sequence[Prompt], prices: Prices) -> float:
    """Returns the mean cost of typical prompts on the first rung; most are shorter than a seed."""
    return fmean(
        expected_cost(work.renderer, prompt, _first_rung(work, prompt), prices)
        for prompt in typical
    )


def verdict_minutes(
    work: Workload, typical: Sequence[Prompt], prices: Prices, *, likeness: bool = False
) -> float:
    """Returns the minutes in which the seed and another prompt are scored on the test split, the
    other one on some of it twice. The other one is priced as the seed is, or where it reads hidden
    states as the costliest typical prompt; with a ``likeness`` the rows are read alone too.
    Selection rows are priced instead of test rows, which only the verdict reads."""
    sample = work.loaded.cases["selection"][: 4 * FIRST]

    def each(prompt: Prompt) -> float:
        return expected_cost(work.renderer, prompt, sample, prices) / len(sample)

    seed = each(work.loaded.seed)
    hidden = [each(prompt) for prompt in typical if prompt.readout == "hidden"]
    alone = 0.0
    if likeness and (line := likeness_line(work.loaded.task.kind)):
        rows = [Case(row) for row in rows_of(sample).values()]
        alone = expected_cost(work.renderer, line.prompt({}), rows, prices) / len(sample)
    other = max(hidden, default=seed) + alone
    tests = len(work.loaded.cases["test"])
    return (seed * tests + other * (tests + min(AGAIN, tests))) / MINUTE


def _first_rung(work: Workload, prompt: Prompt) -> Sequence[Case]:
    cases = work.loaded.cases["tuning"]
    return cases[: first_rung(prompt, len(cases[0].options))]
