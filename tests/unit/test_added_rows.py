"""Rows that are added to a task: selection and test stay, and nothing added is tied to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tiny_tasks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance import locations
from appliance.data import Earlier, Imported
from appliance.data.choices import Choices, Sizes
from appliance.data.read import added
from appliance.data.read.rows import fixed_task
from appliance.data.read.source import Source
from appliance.data.split.ties import ties
from appliance.data.tasks import earlier, every_row, load, save
from appliance.errors import DamagedError, InputError
from appliance.kinds import Kind
from appliance.task import SPLITS, Example
from store import database, runs, tasks, verdicts

WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "rstz"]
NAMES = WORDS[:40]

Rows = list[dict[str, Any]]


@pytest.fixture
def db(home: Path) -> Iterator[Any]:
    with database.open(locations.store_path()) as opened:
        yield opened


def tickets(first: int = 0, count: int = 40, **more: Any) -> Rows:
    return [
        {"text": f"{word} wrote", "label": "ab"[n % 2], **more}
        for n, word in enumerate(WORDS[first : first + count])
    ]


def relations(pairs: list[tuple[int, int]], **more: Any) -> Rows:
    return [
        {
            "text": f"{NAMES[a]}x met {NAMES[b]}y {more.get('word', '')}.",
            "head": f"{NAMES[a]}x",
            "tail": f"{NAMES[b]}y",
            "label": "ab"[a % 2],
            **{key: value for key, value in more.items() if key != "word"},
        }
        for a, b in pairs
    ]


def source(rows: Rows) -> Source:
    placed = [(f"line {n}", row) for n, row in enumerate(rows, 1)]
    return Source(Path("next.jsonl"), lambda problems: placed)


def first_of(rows: Rows, kind: Kind = "classify", **more: Any) -> Imported:
    return fixed_task([source(rows)], Choices("mine", kind=kind, **more))


def grown(before: Imported, rows: Rows, **more: Any) -> Imported:
    task = before.task
    splits = {s: [case.query.id for case in before.cases[s]] for s in SPLITS}
    choices = Choices(
        task.name, task.kind, labels=task.labels, none=task.none, several=task.several,
        adding=True, **more,
    )  # fmt: skip
    return fixed_task(
        [source(rows)], choices, Earlier("before", task, iter(before.examples), splits)
    )


def ids(imported: Imported, *splits: str) -> list[str]:
    return [case.id for split in SPLITS if split in splits for case in imported.cases[split]]


def texts(imported: Imported) -> set[str]:
    return {case.query.text for case in imported.cases["test"]}


def keys(rows: list[Example]) -> set[tuple[str, str]]:
    return {tie for row in rows for tie in ties(row).items()}


ONE, TWO, GROUPED = (
    [(n, n) for n in range(24)],
    [(n, n - 1) for n in range(24, 32)],
    [(n, 0) for n in range(32, 40)],
)
BASE = first_of(
    [*relations(ONE), *relations(TWO), *(relations([p], group=f"g{p[0]}")[0] for p in GROUPED)],
    kind="relation",
)
ADDED = st.lists(
    st.builds(
        lambda pair, word, more: relations([pair], word=word, **more)[0],
        st.sampled_from([*ONE, *TWO, *GROUPED, *((n, n + 1) for n in range(39))]),
        st.sampled_from(["", " ", "Again", "again", "1 again", "22 again"]),
        st.fixed_dictionaries(
            {"may_ship": st.booleans()},
            optional={"group": st.sampled_from(["h", *(f"g{n}" for n in range(32, 40))])},
        ),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ADDED)
def test_whatever_is_added_no_locked_row_moves_and_none_is_tied_to_an_added_one(rows):
    try:
        after = grown(BASE, rows)
    except InputError as error:
        assert "no row can be added" in str(error)
        return
    assert ids(after, "selection", "test") == ids(BASE, "selection", "test")
    assert after.task == BASE.task
    assert set(ids(BASE, "tuning")) <= set(ids(after, "tuning"))
    assert len(ids(after, *SPLITS)) == len(set(ids(after, *SPLITS)))
    before = {row.id for row in BASE.examples}
    new = [c.query for c in after.cases["tuning"] if c.query.id not in before]
    locked = [case.query for split in ("selection", "test") for case in BASE.cases[split]]
    assert not keys(new) & keys(locked)
    left = {row.id for row in after.examples} - before - {row.id for row in new}
    assert all(keys([row]) & keys(locked) for row in after.examples if row.id in left)


def test_added_rows_join_tuning_and_copies_are_dropped_and_counted():
    before = first_of(tickets())
    after = grown(before, tickets(20, 40))
    assert len(after.cases["tuning"]) == len(before.cases["tuning"]) + 20
    assert after.notes[0] == "rows added to tuning: 20"
    assert "exact duplicate rows dropped: 20" in after.notes


def test_added_rows_go_beyond_the_limit_that_the_import_had():
    before = first_of(tickets(), sizes=Sizes(most=(6, 6, 6)))
    assert len(before.cases["tuning"]) == 6
    assert len(grown(before, tickets(40, 20)).cases["tuning"]) == 26


def test_rows_nearly_like_a_locked_row_are_left_out_and_counted():
    before = first_of(tickets())
    near = [{**row, "text": row["text"].upper()} for row in tickets()]
    after = grown(before, near)
    assert after.notes[:2] == (
        f"rows added to tuning: {len(before.cases['tuning'])}",
        "rows left out of tuning, because their text, group or pair of entities stands in "
        f"selection or test: {len(ids(before, 'selection', 'test'))}",
    )
    test = [
        {**row, "text": row["text"].upper()} for row in tickets() if row["text"] in texts(before)
    ]
    with pytest.raises(InputError, match=r"^next\.jsonl: no row can be added: the text, group or"):
        grown(before, test)


def test_digits_tell_texts_apart_where_they_did_when_the_task_was_split():
    codes = [{"text": f"part {n}", "label": "ab"[n % 2]} for n in range(40)]
    after = grown(first_of(codes), [{"text": f"part {n}", "label": "a"} for n in range(40, 50)])
    assert after.notes[0] == "rows added to tuning: 10"
    before = first_of(tickets())
    word = min(texts(before))
    more = [*tickets(40, 5), *({"text": f"{word} {n}", "label": "a"} for n in range(30))]
    assert grown(before, more).notes[0] == "rows added to tuning: 35"
    numbered = first_of([{**row, "text": f"{row['text']} 1"} for row in tickets()])
    alike = [{"text": min(texts(numbered))[:-1] + str(n), "label": "a"} for n in range(2, 40)]
    assert grown(numbered, [*tickets(40, 5), *alike]).notes[0] == "rows added to tuning: 5"


def test_a_row_of_which_a_copy_may_not_ship_may_ship_no_longer():
    before = first_of(tickets(), may_ship=True)
    after = grown(before, tickets(30, 20))
    assert sum(row.may_ship for row in after.examples) == 30
    lost = "rows of the task that may no longer ship, because a copy in the file may not: 10"
    assert lost in after.notes
    assert lost not in grown(before, tickets(30, 20), may_ship=True).notes


@pytest.mark.parametrize("chosen", [min, max])
def test_no_other_row_stands_in_for_one_that_is_missing(chosen):
    before = first_of(tickets())
    missing = chosen(case.query.id for s in SPLITS for case in before.cases[s])
    left = [row for row in before.examples if row.id != missing]
    with pytest.raises(DamagedError, match=r"rows of \w+ are missing: 1; look with"):
        grown(msgspec.structs.replace(before, examples=left), tickets(40, 5))


def test_a_label_that_the_task_lacks_is_refused_with_its_row():
    with pytest.raises(InputError) as refused:
        grown(first_of(tickets()), [*tickets(40, 2), {"text": "more", "label": "ba"}])
    assert str(refused.value) == (
        "next.jsonl: 1 row is wrong; nothing was imported\n  line 3, label: "
        '"ba" is not one of the labels of the task (did you mean "b"?); to have another label, '
        "import all rows as a new task"
    )


def test_more_rows_than_are_added_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(added, "MOST", 9)
    before = first_of(tickets())
    assert grown(before, tickets(40, 9)).notes == ("rows added to tuning: 9",)
    with pytest.raises(InputError, match="has 10 rows to add, and at most 9 are added at once"):
        grown(before, tickets(40, 10))


def add(db: Any, name: str, rows: Rows) -> str:
    return save(db, grown_from_store(db, name, rows))


def grown_from_store(db: Any, name: str, rows: Rows) -> Imported:
    found = earlier(db, tasks.get(db, name))
    choices = Choices(found.task.name, found.task.kind, labels=found.task.labels)
    return fixed_task([source(rows)], choices, found)


def test_a_task_that_rows_were_added_to_keeps_its_name_and_the_content_before(db):
    before = save(db, first_of(tickets(count=60)))
    was = load(db, before)
    after = add(db, "mine", tickets(60, 20))
    assert [(task.id, task.name) for task in tasks.all(db)] == [
        (before, f"mine@{before[:8]}"),
        (after, "mine"),
    ]
    task = msgspec.structs.replace(was.task, name=f"mine@{before[:8]}")
    assert load(db, before) == msgspec.structs.replace(was, task=task)
    now = load(db, "mine")
    assert now.id == after and now.split_hash != was.split_hash
    assert [now.cases[s] for s in ("selection", "test")] == [
        was.cases[s] for s in ("selection", "test")
    ]
    assert len(list(every_row(db, after))) == 80


def test_adding_the_same_rows_again_changes_nothing(db):
    save(db, first_of(tickets()))
    after = add(db, "mine", tickets(40, 20))
    assert add(db, "mine", tickets(40, 20)) == after
    assert len(tasks.all(db)) == 2


def look(db: Any, run: str, task_id: str) -> int:
    seed = load(db, task_id).seed.id
    runs.create(
        db, id=run, task_id=task_id, inputs="{}", seed_prompt=seed, budget=9, status="queued"
    )
    return verdicts.look(db, run_id=run, task_id=task_id)


def test_looks_go_on_counting_across_added_rows_in_both_directions(db):
    before = save(db, first_of(tickets()))
    assert look(db, "one", before) == 1
    after = add(db, "mine", tickets(40, 20))
    assert look(db, "two", after) == 2
    assert look(db, "three", before) == 3
    more = add(db, "mine", tickets(60, 20))
    assert look(db, "four", more) == 4
    assert look(db, "five", after) == 5
    assert verdicts.sharing(db, more) == sorted([before, after])


def test_rows_cannot_be_added_to_a_few_shot_task(db):
    record = tasks.get(db, save(db, tiny_tasks.imported("episodes")))
    with pytest.raises(InputError, match="few is a few-shot task, which rows cannot be added to"):
        earlier(db, record)
