"""Prompts race on the same cases: who is proven worse drops out, and the best never does."""

from __future__ import annotations

import pytest
from in_process import PROMPT, Judge, many

from appliance.prompts.prompt import Prompt
from appliance.search.race import FIRST
from appliance.search.ranking import rank

CASES = many(8 * FIRST)


def prompt(quality: float, name: str = "") -> Prompt:
    return PROMPT.with_section("role", f"{quality} {name}\n")


def quality(given: Prompt) -> float:
    return float(given.section("role").split()[0])


GOOD, FAIR, BAD = (prompt(q) for q in (3.0, 0.6, -3.0))


def test_a_single_prompt_sees_every_case():
    judge = Judge(quality)
    [entry] = rank(judge, [BAD], CASES)
    assert [outcome.case for outcome in entry.outcomes] == [case.id for case in CASES]
    assert (entry.rank, entry.behind) == (1, None)


def test_a_prompt_that_is_proven_worse_drops_out_and_what_it_is_behind_by_is_told():
    judge = Judge(quality)
    bad, good = rank(judge, [BAD, GOOD], CASES)
    assert len(bad.outcomes) == FIRST < len(CASES) == len(good.outcomes)
    assert (good.rank, bad.rank) == (1, 2)
    assert good.behind is None and bad.behind == 1.0
    assert judge.scored[BAD.id] == [case.id for case in CASES[:FIRST]]


def test_prompts_come_back_in_the_order_given_with_their_ranks():
    given = [BAD, GOOD, FAIR]
    found = rank(Judge(quality), given, CASES)
    assert [entry.prompt for entry in found] == given
    assert [entry.rank for entry in found] == [3, 1, 2]


@pytest.mark.parametrize("seed", range(10))
def test_prompts_that_are_as_good_are_never_dropped_when_they_say_the_same(seed):
    judge = Judge(lambda given: 0.3 if given.section("role").split()[1] == "x" else 0.0)
    same = [PROMPT.with_section("role", f"0 x{seed} {n}\n") for n in range(4)]
    judge._score = lambda given, case: Judge._score(judge, same[0], case)  # type: ignore[method-assign]
    found = rank(judge, same, CASES)
    assert all(entry.behind is None for entry in found)
    assert {len(entry.outcomes) for entry in found} == {len(CASES)}
    assert [entry.rank for entry in found] == [1, 2, 3, 4]


def test_of_prompts_that_are_as_good_hardly_any_drops_out():
    """Twenty races of eight equals: at most one comparison in twenty races may be unlucky."""
    dropped = 0
    for run in range(20):
        judge = Judge(lambda given: 0.2)
        equals = [prompt(0.2, f"{run} {n}") for n in range(8)]
        found = rank(judge, equals, CASES)
        dropped += any(entry.behind is not None for entry in found)
    assert dropped <= 3


def test_the_best_of_many_never_drops_out():
    for run in range(10):
        prompts = [prompt(q / 10, str(run)) for q in (9, 3, 2, 1, 0, -1, -2)]
        found = rank(Judge(quality), prompts, CASES)
        best = found[0]
        assert best.behind is None and best.rank == 1
        assert sum(entry.behind is not None for entry in found) >= 3


def test_a_race_saves_what_the_losers_would_have_cost():
    judge = Judge(quality)
    rank(judge, [GOOD, *(prompt(-3.0, str(n)) for n in range(9))], CASES)
    assert judge.spent == len(CASES) + 9 * FIRST


def test_all_prompts_are_asked_by_the_body_that_serves():
    class Roles(Judge):
        def score(self, given, cases, role="search"):
            assert role == "serving"
            return super().score(given, cases, role)

    rank(Roles(quality), [GOOD, BAD], CASES)


def test_few_cases_prove_nothing():
    found = rank(Judge(quality), [GOOD, BAD], CASES[:4])
    assert all(entry.behind is None and len(entry.outcomes) == 4 for entry in found)
    assert [entry.rank for entry in found] == [1, 2]
