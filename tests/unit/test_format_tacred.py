"""TACRED's token indices become characters, inclusive ends and Treebank brackets included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, tacred
from appliance.errors import InputError

ROW: dict[str, Any] = {
    "id": "e7798fb926b9403cfcd2",
    "docid": "APW_ENG_20101103.0539",
    "relation": "per:title",
    "token": ["At", "Acme", "-LRB-", "Oslo", "-RRB-", ",", "Ida", "Moe", "is", "chief", "."],
    "subj_start": 6,
    "subj_end": 7,
    "obj_start": 9,
    "obj_end": 9,
    "subj_type": "PERSON",
    "obj_type": "TITLE",
    "stanford_pos": ["IN"] * 11,
}


def read(folder: Path, *found: Any) -> tuple[list[tuple[str, dict[str, object]]], str]:
    """Rows with their places, and what is said of the others."""
    path = folder / "tacred.json"
    path.write_text(json.dumps(found))
    problems = Problems(path)
    rows = list(tacred.rows(path, problems))
    try:
        problems.raise_if_any()
    except InputError as error:
        return rows, str(error)
    return rows, ""


def part(row: dict[str, Any], field: str) -> str:
    start, end = row[field]
    return row["text"][start:end]


def test_a_row_has_its_entities_types_label_and_document(tmp_path):
    (place, row), *_ = read(tmp_path, ROW)[0]
    assert place == "row 1"
    assert row == {
        "text": "At Acme ( Oslo ) , Ida Moe is chief .",
        "head": [19, 26],
        "tail": [30, 35],
        "label": "per:title",
        "head_type": "PERSON",
        "tail_type": "TITLE",
        "group": "APW_ENG_20101103.0539",
    }
    assert (part(row, "head"), part(row, "tail")) == ("Ida Moe", "chief")


def test_types_and_document_may_be_missing(tmp_path):
    bare = {k: v for k, v in ROW.items() if k not in ("id", "docid", "subj_type", "obj_type")}
    (_, row), *_ = read(tmp_path, bare)[0]
    assert set(row) == {"text", "head", "tail", "label"}


@pytest.mark.parametrize(("written", "meant"), sorted(tacred.BRACKETS.items()))
def test_brackets_are_brackets_again_and_spans_stay_right(tmp_path, written, meant):
    found = ROW | {"token": ["a", written, "b"], "subj_start": 1, "subj_end": 1}
    (_, row), *_ = read(tmp_path, found | {"obj_start": 2, "obj_end": 2})[0]
    assert row["text"] == f"a {meant} b"
    assert (part(row, "head"), part(row, "tail")) == (meant, "b")


@given(
    words=st.lists(st.text("ab c\u00e9\u4e2d", max_size=4), min_size=2, max_size=8), data=st.data()
)
def test_spans_are_the_tokens_joined_whatever_the_tokens_hold(tmp_path_factory, words, data):
    """Also tokens that are empty or hold spaces."""
    cut = data.draw(st.integers(1, len(words) - 1))
    head = sorted(data.draw(st.lists(st.integers(0, cut - 1), min_size=2, max_size=2)))
    tail = sorted(data.draw(st.lists(st.integers(cut, len(words) - 1), min_size=2, max_size=2)))
    found = ROW | {"token": words, "subj_start": tail[0], "subj_end": tail[1]}
    found |= {"obj_start": head[0], "obj_end": head[1]}
    ((_, row),), said = read(tmp_path_factory.mktemp("tacred"), found)
    assert not said
    assert part(row, "head") == " ".join(words[tail[0] : tail[1] + 1])
    assert part(row, "tail") == " ".join(words[head[0] : head[1] + 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"subj_end": 11},
            "row 2: subj_start 6, subj_end 11: lies outside the sentence of 11 tokens; "
            "indices count from 0, ends are inclusive",
        ),
        ({"obj_start": -1}, "row 2: obj_start -1, obj_end 9: lies outside the sentence"),
        ({"token": []}, "row 2: subj_start 6, subj_end 7: lies outside the sentence of 0 tokens"),
        (
            {"subj_end": 5},
            "row 2: subj_start 6, subj_end 5: the end is before the start; ends are inclusive",
        ),
        (
            {"subj_end": 9},
            "row 2: subj 6 to 9 and obj 9 to 9 share a token (ends are inclusive); "
            "mark two entities",
        ),
        ({"obj_start": 5, "obj_end": 6}, "row 2: subj 6 to 7 and obj 5 to 6 share a token"),
        ({"obj_end": "9"}, "row 2: obj_end is a string, not a whole number\n  it needs a JSON"),
        ({"token": ["a", 3]}, "row 2: token[1] is a whole number, not a string"),
    ],
)
def test_a_wrong_row_is_named_and_the_others_are_read(tmp_path, change, message):
    rows, said = read(tmp_path, ROW, ROW | change, ROW)
    assert [place for place, _ in rows] == ["row 1", "row 3"]
    assert message in said


def test_a_row_without_a_field_is_named(tmp_path):
    rows, said = read(tmp_path, {k: v for k, v in ROW.items() if k != "relation"})
    assert not rows
    assert 'row 1: has no "relation"\n  it needs a JSON array' in said


def test_entities_that_touch_are_two_entities(tmp_path):
    rows, said = read(tmp_path, ROW | {"obj_start": 8, "obj_end": 8})
    assert len(rows) == 1
    assert not said


def test_rows_come_before_the_file_has_been_read_to_its_end(tmp_path):
    path = tmp_path / "tacred.json"
    path.write_text("[" + json.dumps(ROW) + ', {"broken')
    rows = tacred.rows(path, Problems(path))
    assert next(rows)[0] == "row 1"
    with pytest.raises(InputError, match="the file ends in row 2: it is cut off"):
        next(rows)


def test_the_format_says_what_it_is():
    assert FORMATS["tacred"] is tacred
    assert (tacred.KIND, tacred.NONE) == ("relation", "no_relation")
