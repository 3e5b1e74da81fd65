"""Splits that a file brings: rows stay where the file puts them, and no text is in two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.choices import Choices, Sizes
from appliance.data.read import jsonl
from appliance.data.read.rows import fixed_task
from appliance.data.read.source import Source
from appliance.errors import InputError
from appliance.task import SPLITS, Split

WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "rstz"]

Rows = list[dict[str, Any]]


def rows(first: int, count: int, **more: Any) -> Rows:
    return [
        {"text": f"{word} wrote", "label": "ab"[n % 2], **more}
        for n, word in enumerate(WORDS[first : first + count])
    ]


def files(**parts: Rows) -> list[Source]:
    """A source for each split."""

    def source(split: Split, own: Rows) -> Source:
        placed = [(f"line {n}", row) for n, row in enumerate(own, 1)]
        return Source(Path(f"{split}.jsonl"), lambda problems: placed, split=split)

    return [source(split, parts[split]) for split in SPLITS if split in parts]


def from_files(sizes: Sizes | None = None, **parts: Rows) -> Imported:
    choices = Choices("mine", kind="classify", sizes=sizes or Sizes())
    return fixed_task(files(**parts), choices)


def from_column(tmp_path: Path, own: Rows, **more: Any) -> Imported:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in own))
    choices: dict[str, Any] = {"columns": {"split": "fold"}, **more}
    return jsonl.read_jsonl(path, Choices("mine", kind="classify", **choices))


def texts(imported: Imported, split: Split) -> set[str]:
    return {case.query.text for case in imported.cases[split]}


def of(own: Rows) -> set[str]:
    return {row["text"] for row in own}


def test_rows_of_three_files_stay_in_their_splits():
    parts = {"tuning": rows(0, 20), "selection": rows(20, 10), "test": rows(30, 30)}
    imported = from_files(**parts)
    assert {split: texts(imported, split) for split in SPLITS} == {
        split: of(own) for split, own in parts.items()
    }
    assert imported.notes == ()


def test_without_a_selection_file_its_share_is_taken_out_of_tuning_by_the_seed():
    imported = from_files(tuning=rows(0, 30), test=rows(30, 12))
    assert texts(imported, "test") == of(rows(30, 12))
    assert (len(imported.cases["tuning"]), len(imported.cases["selection"])) == (20, 10)
    assert texts(imported, "tuning") | texts(imported, "selection") == of(rows(0, 30))
    assert imported.notes == ("rows taken out of tuning for the selection split: 10",)


@pytest.mark.parametrize("names", [("train", "dev", "test"), ("Training", "VALID", "Test")])
def test_a_column_says_which_split_a_row_is_of_and_an_empty_one_none(tmp_path, names):
    parts = [rows(20 * i, 20, fold=name) for i, name in enumerate(names)]
    spare = [rows(60, 1, fold="")[0], rows(61, 1, fold=None)[0], rows(62, 1)[0]]
    imported = from_column(tmp_path, [*parts[0], *parts[1], *parts[2], *spare])
    for split, own in zip(SPLITS, parts, strict=True):
        assert texts(imported, split) == of(own)
    assert len(imported.examples) == 63
    assert imported.notes == ("rows that the file puts in no split: 3",)


@pytest.mark.parametrize("column", ["split", "fold", "set"])
def test_a_column_of_splits_that_is_not_asked_for_is_told_with_how_to_keep_it(tmp_path, column):
    own = [*rows(0, 30, **{column: "Train"}), *rows(30, 30, **{column: "test"})]
    told = (
        f'the splits that column "{column}" names are not used; to keep them: '
        f"--split-column {column}"
    )
    assert told in from_column(tmp_path, own, columns={}).notes
    assert told not in from_column(tmp_path, own, columns={"split": column}).notes
    only_train = [{**row, column: "train"} for row in own]
    odd = [*own, *rows(60, 1, **{column: "B"})]
    for other in (only_train, odd):
        assert told not in from_column(tmp_path, other, columns={}).notes


def test_an_unknown_value_of_the_column_is_refused_with_how_to_map_it(tmp_path):
    own = [*rows(0, 20, fold="train"), *rows(20, 20, fold=5)]
    with pytest.raises(InputError) as caught:
        from_column(tmp_path, own)
    assert (
        'line 21, fold: "5" is none of train, training, tuning, dev, val, valid, validation, '
        "selection, test; say which split it is, as in --split-value test=VALUE"
    ) in str(caught.value)
    mapped = from_column(tmp_path, own, split_values={"5": "test"})
    assert texts(mapped, "test") == of(rows(20, 20))


def test_a_value_may_mean_another_split_than_it_usually_does(tmp_path):
    own = [*rows(0, 20, fold="train"), *rows(20, 20, fold="Dev")]
    with pytest.raises(InputError, match="no row is of the test split; say which are: --split-val"):
        from_column(tmp_path, own)
    assert texts(from_column(tmp_path, own, split_values={"dev": "test"}), "test") == of(
        rows(20, 20)
    )


def test_a_text_of_a_later_split_is_left_out_of_the_earlier_ones_and_counted():
    same = {"text": "BAR  wrote", "label": "b"}
    imported = from_files(
        tuning=[*rows(0, 20), rows(30, 1)[0], rows(20, 1)[0]],
        selection=[*rows(20, 10), rows(31, 1)[0]],
        test=[*rows(30, 12), same],
    )
    assert texts(imported, "test") == of([*rows(30, 12), same])
    assert texts(imported, "selection") == of(rows(20, 10))
    assert texts(imported, "tuning") == of(rows(1, 19))
    said = "rows left out of tuning and selection, because their text stands in a later split: 2"
    assert said in imported.notes
    assert "exact duplicate rows dropped: 2" in imported.notes


def test_a_row_that_is_left_out_as_a_duplicate_is_counted_once():
    imported = from_files(tuning=rows(0, 20), selection=rows(20, 10), test=rows(10, 10))
    assert imported.notes == ("exact duplicate rows dropped: 10",)
    other = [{**row, "label": "c"} for row in rows(10, 10)]
    imported = from_files(tuning=rows(0, 20), selection=rows(20, 10), test=other)
    said = "rows left out of tuning and selection, because their text stands in a later split: 10"
    assert said in imported.notes
    assert not any("duplicate" in note for note in imported.notes)


def test_a_split_that_loses_all_its_rows_to_later_ones_is_refused():
    with pytest.raises(InputError, match="the tuning split gets no row, because no text may stand"):
        from_files(tuning=rows(0, 9), selection=rows(9, 9), test=[*rows(0, 12)])


def test_groups_and_pairs_of_entities_in_several_splits_are_told():
    grouped = from_files(
        tuning=rows(0, 9, group="x"), selection=rows(9, 9), test=rows(20, 9, group="x")
    )
    assert grouped.notes == ("groups with rows in several splits, as the file has it: 1",)

    def pairs(words: list[str]) -> Rows:
        named = {"head": "Ann", "tail": "Bolt"}
        return [{"text": f"{w}: Ann owns Bolt", "label": "ab"[i % 2], **named} for i, w in
                enumerate(words)]  # fmt: skip

    parts = {
        "tuning": pairs(WORDS[:9]),
        "selection": pairs(WORDS[9:18]),
        "test": pairs(WORDS[20:30]),
    }
    told = fixed_task(files(**parts), Choices("mine")).notes
    assert told == ("pairs of entities with rows in several splits, as the file has it: 1",)


def test_a_label_that_a_split_lacks_is_told_and_not_refused():
    odd = {"text": "odd one", "label": "c"}
    imported = from_files(tuning=[*rows(0, 9), odd], selection=rows(9, 9), test=rows(20, 9))
    assert [label.name for label in imported.task.labels] == ["a", "b", "c"]
    assert imported.notes == (
        'labels without a selection row: "c"',
        'labels without a test row: "c"',
    )


def test_limits_hold_for_each_split():
    imported = from_files(
        Sizes(most=(8, 4, 6)), tuning=rows(0, 20), selection=rows(20, 10), test=rows(30, 30)
    )
    assert [len(imported.cases[split]) for split in SPLITS] == [8, 4, 6]
    assert (
        "rows that belong to no split and are asked nothing: 42; at most 8 tuning"
        in (imported.notes[0])
    )


some = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abcdef")), max_size=30)


@settings(deadline=None, max_examples=60)
@given(some, st.integers(1, 12), st.integers(0, 3))
def test_rows_that_are_added_to_tuning_never_move_a_test_row(added, most, seed):
    """Not even one that is the same as a test row, nor where the test split is thinned."""
    test = [*rows(0, 12), {"text": "once more", "label": "c"}]
    parts = {"tuning": rows(50, 20), "selection": rows(80, 10), "test": test}
    more = [{"text": f"{WORDS[n]} wrote", "label": label} for n, label in added]
    choices = Choices("mine", kind="classify", seed=seed, sizes=Sizes(most=(40, 20, most)))
    before = fixed_task(files(**parts), choices)
    after = fixed_task(files(**{**parts, "tuning": [*more, *parts["tuning"]]}), choices)
    ids = [[case.query.id for case in imported.cases["test"]] for imported in (before, after)]
    assert ids[0] == ids[1] and len(ids[0]) == most
    assert not texts(after, "tuning") & of(test)


def test_wrong_rows_of_several_files_are_all_named_with_their_files(tmp_path):
    parts = {"tuning": [*rows(0, 9), {"text": ""}], "test": [{"label": "a"}, *rows(20, 9)]}
    with pytest.raises(InputError) as caught:
        from_files(**parts)
    assert "tuning.jsonl: 1 row is wrong; nothing was imported\n  line 10, text: is empty" in str(
        caught.value
    )
    assert "test.jsonl: 1 row is wrong; nothing was imported\n  line 1, text: is missing" in str(
        caught.value
    )
    choices = Choices("mine", kind="classify", skip=True)
    assert [row.place for row in fixed_task(files(**parts), choices).skipped] == [
        "tuning.jsonl, line 10, text",
        "test.jsonl, line 1, text",
    ]
