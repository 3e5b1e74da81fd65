"""What an import says of a task's labels: their counts, and what the most frequent answer gets."""

from __future__ import annotations

from typing import Any

import pytest
import tiny_tasks

from appliance.cli.task.counts import Count, Majority, counts, majority, shown
from appliance.kinds import Kind
from appliance.task import SPLITS, Case, Example, Label, Task

NAMES = ("a", "b", "none")


def task(kind: Kind = "classify", **more: Any) -> Task:
    labels = more.pop("labels", NAMES)
    return Task("mine", kind, more.pop("protocol", "fixed"), tuple(map(Label, labels)), **more)


def split(*rows: dict[str, Any], labels: tuple[str, ...] = NAMES) -> list[Case]:
    return [Case(Example(f"text {n}", **row), labels) for n, row in enumerate(rows)]


def splits(tuning: list[Case], test: list[Case]) -> dict[Any, list[Case]]:
    return {"tuning": tuning, "selection": tuning[:1], "test": test}


A, B, NONE = ({"label": label} for label in NAMES)


def test_labels_are_counted_by_split_and_the_most_frequent_of_tuning_is_scored_on_test():
    cases = splits(split(A, A, B), split(B, B, A, NONE))
    assert counts(task(), cases) == [
        Count("a", 2, 1, 1),
        Count("b", 1, 0, 2),
        Count("none", 0, 0, 1),
    ]
    assert majority(task(), cases) == Majority("a", 1, 4, 0.25)
    assert shown(task(), counts(task(), cases), majority(task(), cases)) == (
        "label   tuning  selection  test\n"
        '"a"     2       1          1\n'
        '"b"     1       0          2\n'
        '"none"  0       0          1\n'
        'always answering "a" is right on 1 of 4 test rows (25.0 %)'
    )


def test_of_many_labels_the_twenty_most_frequent_are_listed():
    names = tuple(f"label {n}" for n in range(30))
    cases = splits(*(split(*({"label": n} for n in names), labels=names) for _ in range(2)))
    listed = shown(task(labels=names), counts(task(labels=names), cases), None).splitlines()
    assert (len(listed), listed[-1]) == (22, "and 10 more")


def test_of_several_labels_the_most_frequent_set_is_the_answer():
    both, one, no = {"labels": ("a", "b")}, {"labels": ("a",)}, {}
    cases = splits(split(both, both, one), split(both, one, no, both))
    several = task(several=True)
    assert counts(several, cases)[:2] == [Count("a", 3, 1, 3), Count("b", 2, 1, 2)]
    assert majority(several, cases) == Majority("a | b", 2, 4, 0.5)
    empty = splits(split(no, no, one), split(no, one))
    said = shown(several, [], majority(several, empty))
    assert said == "always answering that no label holds is right on 1 of 2 test rows (50.0 %)"


def test_entities_are_counted_by_type_and_have_no_majority():
    two = {"spans": ((0, 1, "a"), (2, 3, "a"))}
    cases = splits(split(two), split(two, {}))
    assert counts(task("spans"), cases)[0] == Count("a", 2, 2, 2)
    assert majority(task("spans"), cases) is None


def test_choices_are_counted_where_all_questions_offer_the_same():
    yes, no = ({"answers": (a,), "choices": ("Yes", "No")} for a in ("Yes", "No"))
    cases = splits(split(yes, yes, no), split(no, yes))
    asks = task("answer", labels=(), match="choice")
    assert counts(asks, cases) == [Count("Yes", 2, 1, 1), Count("No", 1, 0, 1)]
    assert majority(asks, cases) == Majority("Yes", 1, 2, 0.5)
    other = {"answers": ("x",), "choices": ("x", "y")}
    assert counts(asks, splits(split(yes), split(other))) == []


def test_a_written_answer_is_right_as_the_task_compares_it():
    asks = task("answer", labels=(), match="numeric")
    rows = [{"answers": (n,)} for n in ("1,000", "1000.0", "7")]
    cases = splits(split(rows[0]), split(*rows))
    assert (counts(asks, cases), majority(asks, cases)) == ([], Majority("1,000", 2, 3, 0.6667))


@pytest.mark.parametrize("name", tiny_tasks.tasks())
def test_every_task_is_counted_without_leaving_a_row_out(name):
    loaded = tiny_tasks.loaded(name)
    found, most = counts(loaded.task, loaded.cases), majority(loaded.task, loaded.cases)
    if found and not loaded.task.several and loaded.task.metric != "span_f1":
        for part in SPLITS:
            assert sum(getattr(count, part) for count in found) == len(loaded.cases[part])
    assert most is None or 0 <= most.right <= most.n == len(loaded.cases["test"])
