"""A task in the store, and the rows that may stand in its prompts."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, case, many, row

from appliance import locations
from appliance.data import Imported
from appliance.data.bad_rows import Skipped
from appliance.data.split.demonstrations import POOL, shot_pool
from appliance.data.split.splits import split_hash
from appliance.data.tasks import (
    every_row,
    load,
    sample,
    save,
)
from appliance.errors import InputError
from appliance.prompts.seeds import plain_seed
from appliance.task import SPLITS, Case
from store import database, tasks
from store.errors import NameTakenError


@pytest.fixture(scope="module")
def imported() -> Imported:
    return sample()


@pytest.fixture
def db(home):
    opened = database.open(locations.store_path())
    yield opened
    opened.close()


def small(*, may_ship: bool = True, per_label: int = 12, **more) -> Imported:
    cases: dict[str, list[Case]] = {}
    for number, split in enumerate(SPLITS):
        rows = [
            row(f"P{number}-{i}", f"F{number}-{i}", LABELS[i % 3], may_ship=may_ship)
            for i in range(3 * per_label)
        ]
        cases[split] = [case(query) for query in rows]
    examples = [c.query for split in SPLITS for c in cases[split]]
    return Imported(TASK, examples, cases, **more)


def test_the_sample_comes_out_of_the_store_as_it_went_in(db, imported):
    loaded = load(db, save(db, imported))
    assert loaded.task == imported.task
    assert loaded.rows == {example.id: example for example in imported.examples}
    assert loaded.cases["selection"] == list(imported.cases["selection"])
    assert loaded.cases["test"] == list(imported.cases["test"])
    kept = {row for ids in loaded.demonstrations.values() for row in ids}
    tuning = imported.cases["tuning"]
    assert loaded.cases["tuning"] == [c for c in tuning if c.query.id not in kept]
    assert loaded.split_hash == split_hash(imported.cases)


def test_a_task_is_found_by_its_name_and_by_its_id(db, imported):
    identity = save(db, imported)
    assert load(db, identity) == load(db, imported.task.name)
    assert load(db, identity).id == identity


def test_the_same_name_and_content_is_the_same_task_whatever_the_order_of_the_rows(db):
    first = save(db, small())
    assert save(db, small()) == first
    assert save(db, msgspec.structs.replace(small(), examples=small().examples[::-1])) == first


def test_the_same_content_under_another_name_is_another_task(db):
    other = msgspec.structs.replace(small(), task=msgspec.structs.replace(TASK, name="other"))
    assert save(db, other) != save(db, small())
    assert load(db, "other").cases == load(db, "firm").cases


def test_rows_that_may_not_ship_any_more_are_other_content(db):
    save(db, small())
    shown = set(load(db, "firm").seed.shots)
    withdrawn = [
        row if row.id in shown else msgspec.structs.replace(row, may_ship=False)
        for row in small().examples
    ]
    with pytest.raises(NameTakenError, match="'firm' is there already with other content"):
        save(db, msgspec.structs.replace(small(), examples=withdrawn))


def test_rows_of_the_pool_are_never_scored_in_tuning_or_elsewhere(db, imported):
    loaded = load(db, save(db, imported))
    pool = {row for ids in loaded.demonstrations.values() for row in ids}
    assert pool
    for split in SPLITS:
        assert not pool & {c.query.id for c in loaded.cases[split]}


def test_the_pool_holds_tuning_rows_of_each_label_under_that_label(db, imported):
    loaded = load(db, save(db, imported))
    tuning = {c.query.id: c.query for c in imported.cases["tuning"]}
    assert set(loaded.demonstrations) == {label.name for label in loaded.task.labels}
    for label, ids in loaded.demonstrations.items():
        assert 0 < len(ids) <= POOL
        assert all(tuning[row].label == label for row in ids)
        assert list(ids) == sorted(ids)


def test_rows_that_may_not_ship_never_enter_the_pool(db, imported):
    loaded = load(db, save(db, imported))
    assert all(loaded.rows[row].may_ship for ids in loaded.demonstrations.values() for row in ids)
    private = load(db, save(db, Imported(
        msgspec.structs.replace(TASK, name="private"),
        small(may_ship=False).examples, small(may_ship=False).cases,
    )))  # fmt: skip
    assert private.demonstrations == dict.fromkeys(LABELS, ()) and private.seed.shots == ()
    assert len(private.cases["tuning"]) == 36


def test_one_row_that_may_ship_among_others_is_the_one_in_the_pool():
    rows = [row(f"P{i}", "F", "founder", may_ship=i == 7) for i in range(12)]
    pool = shot_pool(TASK, [case(query) for query in rows])
    assert pool == {"founder": (rows[7].id,), "supplier of": (), "author": ()}


@pytest.mark.parametrize(("rows", "kept"), [(2, 0), (3, 1), (6, 2), (9, 3), (60, 3)])
def test_a_label_gives_the_pool_at_most_a_third_of_its_rows(rows, kept):
    queries = [row(f"P{i}", "F", "founder", may_ship=True) for i in range(rows)]
    assert len(shot_pool(TASK, [case(query) for query in queries])["founder"]) == kept


def test_the_pool_does_not_depend_on_the_order_of_the_rows():
    cases = small().cases["tuning"]
    assert shot_pool(TASK, cases) == shot_pool(TASK, cases[::-1])


def test_episodes_bring_their_own_demonstrations(db):
    episodes = msgspec.structs.replace(TASK, protocol="episodes")
    support = row("Ada", "Ostrand", "author", may_ship=True)
    cases = {split: [Case(query.query, LABELS[:2], (support,)) for query in several]
             for split, several in small().cases.items()}  # fmt: skip
    cases = {
        split: [c for c in several if c.query.label in c.labels] for split, several in cases.items()
    }
    loaded = load(db, save(db, Imported(episodes, [support, *small().examples], cases)))
    assert loaded.demonstrations == {} and loaded.seed.shots == ()
    assert loaded.cases == cases


def test_episodes_of_several_files_keep_theirs(db):
    episodes = msgspec.structs.replace(TASK, protocol="episodes")
    cases = {
        split: [msgspec.structs.replace(c, part=str(i % 2)) for i, c in enumerate(several)]
        for split, several in small().cases.items()
    }
    assert load(db, save(db, Imported(episodes, small().examples, cases))).cases == cases


def test_rows_that_no_case_uses_are_stored_and_not_loaded(db):
    spare = row("Nobody", "Nothing", "author", may_ship=True)
    imported = msgspec.structs.replace(small(), examples=[spare, *small().examples])
    loaded = load(db, save(db, imported))
    assert spare.id not in loaded.rows
    assert loaded.rows.keys() == {example.id for example in small().examples}
    assert list(every_row(db, loaded.id)) == imported.examples


def test_what_was_skipped_is_stored_and_makes_no_other_task(db):
    skipped = [Skipped("line 3, text", "is empty"), Skipped("line 9", "is not JSON")]
    identity = save(db, small(skipped=skipped))
    assert [(r.place, r.what) for r in tasks.skipped(db, identity)] == [
        ("line 3, text", "is empty"),
        ("line 9", "is not JSON"),
    ]
    assert save(db, small()) == identity


def test_an_unknown_task_is_answered_with_those_that_exist(db):
    with pytest.raises(InputError, match=r"no task 'x'; tasks here: none yet\. Import one with"):
        load(db, "x")
    save(db, small())
    with pytest.raises(InputError, match=r"no task 'x'; tasks here: firm\."):
        load(db, "x")


def test_the_seed_prompt_lists_the_labels_and_shows_one_row_of_each(db, imported):
    loaded = load(db, save(db, imported))
    assert loaded.seed == plain_seed(loaded.task, loaded.demonstrations)
    assert "{labels}" in loaded.seed.section("task")
    shown = Counter(loaded.rows[shot].label for shot in loaded.seed.shots)
    assert shown == dict.fromkeys((label.name for label in loaded.task.labels), 1)
    assert (loaded.seed.weight, loaded.seed.mode, loaded.seed.wording) == (0, "raw", "plain")


def test_a_prompt_that_the_file_brings_along_is_the_seed(db):
    assert load(db, save(db, small(seed=PROMPT))).seed == PROMPT


def test_tuning_keeps_cases_of_every_label(db):
    loaded = load(db, save(db, small()))
    assert Counter(c.query.label for c in loaded.cases["tuning"]) == dict.fromkeys(LABELS, 9)
    assert len(loaded.cases["selection"]) == len(many(36))


def test_a_default_that_was_given_in_other_words_makes_no_other_task(db):
    given = msgspec.structs.replace(TASK, metric="".join(("accu", "racy")))
    assert given == TASK
    first = save(db, small())
    assert save(db, msgspec.structs.replace(small(), task=given)) == first
