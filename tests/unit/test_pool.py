"""Which rows are set aside as demonstrations where rows have no single label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from appliance.data.split.demonstrations import POOL, shot_pool
from appliance.task import (
    Case,
    Example,
    Label,
    Task,
)

TAGS = ("rude", "late", "odd")


def pool(task: Task, rows: Sequence[Example]) -> dict[str, list[Example]]:
    known = {row.id: row for row in rows}
    names = tuple(label.name for label in task.labels)
    found = shot_pool(task, [Case(row, names) for row in rows])
    return {name: [known[row] for row in ids] for name, ids in found.items()}


def test_a_row_of_several_labels_stands_under_its_rarest() -> None:
    task = Task("tags", "classify", "fixed", tuple(map(Label, TAGS)), several=True)
    labels = [("late",), ("late", "rude"), ("late",), ()] * 6
    rows = [Example(f"text {n}", labels=x, may_ship=True) for n, x in enumerate(labels)]
    found = pool(task, rows)
    assert list(found) == ["rude", "late", "odd", ""]
    assert all("rude" in row.labels for row in found["rude"]) and len(found["rude"]) == 2
    assert {row.labels for row in found["late"]} == {("late",)} and len(found["late"]) == POOL
    assert {row.labels for row in found[""]} == {()}
    assert found["odd"] == []


def test_a_text_with_entities_stands_under_its_rarest_type() -> None:
    task = Task("names", "spans", "fixed", (Label("person"), Label("place")))
    spans = [((0, 2, "person"), (3, 4, "place")), ((0, 2, "person"),)] * 9
    rows = [Example(f"text {n}", spans=x, may_ship=True) for n, x in enumerate(spans)]
    found = pool(task, rows)
    assert [len(row.spans) for row in found["place"]] == [2] * POOL
    assert [len(row.spans) for row in found["person"]] == [1] * POOL


def test_where_all_questions_offer_the_same_choices_each_is_shown_as_the_right_one() -> None:
    task = Task("quiz", "answer", "fixed", (), match="choice")
    rows = [
        Example(f"{n}?", answers=(("Yes", "No")[n % 2],), choices=("Yes", "No"), may_ship=True)
        for n in range(20)
    ]
    found = pool(task, rows)
    assert list(found) == ["Yes", "No"]
    assert all(row.answers == (name,) for name, some in found.items() for row in some)
    own = [
        Example(f"{n}?", answers=(f"a {n}",), choices=(f"a {n}", "b"), may_ship=True)
        for n in range(30)
    ]
    assert [len(some) for some in pool(task, own).values()] == [3, 3, 3]


@pytest.mark.parametrize(("count", "kept"), [(4, []), (9, [1, 1, 1]), (90, [3, 3, 3])])
def test_of_questions_without_labels_at_most_a_third_is_kept(count: int, kept: list[int]) -> None:
    task = Task("sums", "answer", "fixed", ())
    rows = [Example(f"{n}?", answers=(str(n),), may_ship=True) for n in range(count)]
    found = pool(task, rows)
    assert [len(some) for some in found.values() if some] == kept
    assert max(Counter(row.id for some in found.values() for row in some).values(), default=1) == 1
    assert pool(task, rows[::-1]) == found


def test_private_rows_are_never_kept() -> None:
    task = Task("sums", "answer", "fixed", ())
    rows = [Example(f"{n}?", answers=(str(n),), may_ship=n == 7) for n in range(30)]
    assert [row for some in pool(task, rows).values() for row in some] == [rows[7]]
