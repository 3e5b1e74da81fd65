"""Whatever an export holds, its rows are read or named, and nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest
from annotations import Read, lines
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data.formats import TOOLS
from appliance.errors import InputError

leaves = st.none() | st.booleans() | st.integers(-3, 40) | st.floats() | st.text("ab 1", max_size=3)
FIELDS = (
    "text data label labels annotations result value choices type from_id to_id id start end "
    "from_name direction was_cancelled annotation_id entities relations start_offset end_offset "
    "spans accept options answer tokens head_span child_span _is_binary"
)
names = st.sampled_from(FIELDS.split())
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)
records = st.dictionaries(names, anything, max_size=8)


@pytest.mark.parametrize("tool", TOOLS)
@given(found=st.lists(records, min_size=1, max_size=3), data=st.data())
@settings(max_examples=150)
def test_any_record_is_read_or_named(tmp_path_factory, tool, found, data):
    kind = data.draw(st.sampled_from(TOOLS[tool].KINDS))
    path = lines(tmp_path_factory.mktemp("x") / "x.jsonl", *found)
    try:
        read = Read(tool, path, kind, several=data.draw(st.booleans()))
    except InputError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(row["text"], str) for row in read.rows.values())


TEXT = "\U0001f600 Ida met Bo."


def marked(**fields: Any) -> dict[str, Any]:
    return {"text": TEXT, "tokens": [], "answer": "accept", **fields}


@pytest.mark.parametrize(("start", "end"), [(2, 5), (3, 6)])
def test_offsets_in_either_unit_are_read_where_the_words_stand(tmp_path, start, end):
    span = {"start": start, "end": end, "label": "PER", "text": "Ida"}
    read = Read("prodigy", lines(tmp_path / "x.jsonl", marked(spans=[span])), "spans")
    assert read.spans == [[("Ida", "PER")]]


def test_offsets_of_two_units_in_one_text_are_refused(tmp_path):
    spans = [
        {"start": 2, "end": 5, "label": "PER", "text": "Ida"},
        {"start": 11, "end": 13, "label": "PER", "text": "Bo"},
    ]
    read = Read("prodigy", lines(tmp_path / "x.jsonl", marked(spans=spans)), "spans")
    assert not read.rows
    assert 'line 1: [11, 13] is "o." in the text, not "Bo"; offsets count characters' in read.said


def test_line_breaks_are_not_compared(tmp_path):
    span = {"start": 0, "end": 3, "label": "X", "text": "a\\nb"}
    path = lines(tmp_path / "x.jsonl", marked(spans=[span]) | {"text": "a\nb"})
    assert Read("prodigy", path, "spans").spans == [[("a\nb", "X")]]


def test_rows_of_a_group_are_named_by_it_and_a_row_without_one_is_not(tmp_path):
    path = lines(tmp_path / "x.jsonl", marked(spans=[], meta={"doc": 7}), marked(spans=[], meta={}))
    read = Read("prodigy", path, "spans", group="meta.doc")
    assert [row.get("group") for row in read.rows.values()] == [7, None]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_text_that_is_null_is_not_called_missing(tmp_path, tool):
    record = {"text": None, "label": "x", "annotation_id": 1}
    said = Read(tool, lines(tmp_path / "x.jsonl", record), "classify").said
    assert "line 1: text: is null; write the text, or remove the row" in said
