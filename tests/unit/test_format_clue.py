"""CLUENER's inclusive offsets become spans, and are held against the text that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, clue
from appliance.errors import InputError

ROW: dict[str, Any] = {
    "text": "浙商银行企业信贷部叶老桂博士则从另一个角度对浙商银行进行了解读。",
    "label": {
        "name": {"叶老桂": [[9, 11]]},
        "company": {"浙商银行": [[0, 3], [22, 25]]},
    },
}


def read(path: Path, *rows: Any) -> list[tuple[str, dict[str, Any]]]:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    problems = Problems(path)
    found = list(clue.rows(path, problems))
    problems.raise_if_any()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "train.json"


def test_every_mention_is_a_span_in_the_order_of_the_text(file):
    ((place, row),) = read(file, ROW)
    assert place == "line 1"
    assert row["spans"] == [[0, 4, "company"], [9, 12, "name"], [22, 26, "company"]]
    assert [row["text"][a:b] for a, b, _ in row["spans"]] == ["浙商银行", "叶老桂", "浙商银行"]


def test_a_text_without_entities_is_kept(file):
    assert read(file, {"text": "无", "label": {}})[0][1] == {"text": "无", "spans": []}


@given(st.text(min_size=1, max_size=20), st.data())
def test_spans_are_the_text_they_name(tmp_path_factory, text, data):
    first = data.draw(st.integers(0, len(text) - 1))
    last = data.draw(st.integers(first, len(text) - 1))
    path = tmp_path_factory.mktemp("clue") / "train.json"
    entity = text[first : last + 1]
    ((_, row),) = read(path, {"text": text, "label": {"kind": {entity: [[first, last]]}}})
    assert row["spans"] == [[first, last + 1, "kind"]]


@pytest.mark.parametrize("place", [[9, 12], [10, 12], [9, 99], [-3, -1], [11, 9]])
def test_an_exclusive_or_wrong_offset_is_named(file, place):
    wrong = ROW | {"label": {"name": {"叶老桂": [place]}}}
    with pytest.raises(InputError) as caught:
        read(file, ROW, wrong)
    assert f"line 2: {place} is " in str(caught.value)
    assert 'in the text, not "叶老桂"; offsets count characters from 0, the last' in str(
        caught.value
    )


def test_a_row_of_the_test_file_which_has_no_label_is_named(file):
    with pytest.raises(InputError, match='line 1: has no "label"\n  it needs an object'):
        read(file, {"id": 0, "text": "四川敦煌学"})


def test_the_format_says_what_it_is():
    assert FORMATS["clue"] is clue
    assert clue.KIND == "spans"
