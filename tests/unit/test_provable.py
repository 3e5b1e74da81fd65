"""What is said of a test split: the power of McNemar's test, or what the verdict needs."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.cli.task.provable import provable
from appliance.statistics.claims import least_units, refusal
from appliance.statistics.paired import paired
from appliance.statistics.power import advice
from appliance.task import (
    Case,
    Example,
    Label,
    Task,
)


def task(kind: Any = "classify", **more: Any) -> Task:
    labels = tuple(map(Label, more.pop("labels", ("a", "b", "none"))))
    return Task("mine", kind, more.pop("protocol", "fixed"), labels, **more)


def cases(count: int, **more: Any) -> list[Case]:
    return [
        Case(Example(f"text {n}", **{"label": "ab"[n % 2]} | more), ("a", "b", "none"))
        for n in range(count)
    ]


def test_of_single_rows_by_accuracy_the_power_is_said() -> None:
    assert provable(task(), cases(60)) == advice(60)
    reading = [Case(Example("t", question=str(n), answers=("x",))) for n in range(60)]
    assert provable(task("reading", labels=(), metric="accuracy"), reading) == advice(60)


def test_of_groups_it_is_said_that_they_are_weighed() -> None:
    grouped = [*cases(30, group="one"), *cases(10)]
    assert provable(task(), grouped) == (
        "40 test rows: what gain they prove is not known beforehand; the verdict needs at least 6 "
        "groups on which two prompts differ (of 11)"
    )
    assert provable(task(), cases(30, group="one")) == (
        "groups in the test split: 1, too few to prove a gain; at least 6 are needed"
    )


@pytest.mark.parametrize(
    ("metric", "positives"),
    [
        ("micro_f1", "15 rows with something to find (there are 20)"),
        ("macro_f1", "15 rows of each label, in harmonic mean (there are 13)"),
    ],
)
def test_of_f1_it_is_said_how_many_rows_have_something_to_find(metric: str, positives: str) -> None:
    found = provable(task(metric=metric, none="none"), [*cases(20), *cases(40, label="none")])
    assert found == (
        "60 test rows: what gain they prove is not known beforehand; the verdict needs at least 6 "
        f"rows on which two prompts differ (of 60) and {positives}"
    )


def test_of_f1_in_groups_it_is_said_that_too_few_have_something_to_find() -> None:
    rows = [*cases(20, group="one"), *cases(30, label="none")]
    found = provable(task(metric="micro_f1", none="none"), rows)
    assert found.endswith("and 6 groups with something to find (there are 1)")


def test_texts_without_entities_or_labels_have_nothing_to_find() -> None:
    spans = [Case(Example(str(n), spans=((0, 1, "x"),) if n < 9 else ())) for n in range(40)]
    assert "(there are 9)" in provable(task("spans", metric="span_f1"), spans)
    several = [Case(Example(str(n), labels=("a",) if n < 7 else ()), ("a", "b")) for n in range(40)]
    assert "(there are 7)" in provable(task(several=True, metric="micro_f1"), several)


def test_of_token_f1_no_rows_with_something_to_find_are_asked_for() -> None:
    reading = [Case(Example("t", question=str(n), answers=("x",))) for n in range(60)]
    found = provable(task("reading", labels=(), metric="token_f1"), reading)
    assert found.endswith("at least 6 rows on which two prompts differ (of 60)")


def test_of_episodes_it_is_said_what_is_weighed() -> None:
    few = cases(100)
    assert provable(task("relation", protocol="episodes"), few) == (
        "relations in the test split: 2, too few to prove a gain; at least 6 are needed"
    )
    micro = task("relation", protocol="episodes", metric="micro_f1", none="none")
    assert provable(micro, [*few, *few]) == (
        "200 test queries: what gain they prove is not known beforehand; the verdict needs at "
        "least 6 different queries on which two prompts differ (of 100) and 15 queries with "
        "something to find (there are 200); what it says holds for these relations"
    )


def test_fewer_units_than_are_asked_for_are_refused_a_claim() -> None:
    def refused(differing: int) -> str:
        return refusal(paired([0.0] * differing, [1.0] * differing), 0.05)

    assert refused(least_units(0.05) - 1) and not refused(least_units(0.05))
