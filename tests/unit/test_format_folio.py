"""FOLIO's stories become questions with three choices, however its releases spell them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, folio
from appliance.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "folio"
ROW: dict[str, Any] = {
    "story_id": 406,
    "example_id": 1131,
    "premises": ["All cats purr. ", "Tom is a cat.", " "],
    "premises-FOL": ["…"],
    "conclusion": "Tom purrs.",
    "label": "True",
}


def read(path: Path, *rows: Any) -> list[dict[str, Any]]:
    path.write_text("\n".join(map(json.dumps, rows)))
    problems = Problems(path)
    found = [row for _, row in folio.rows(path, problems)]
    problems.raise_if_any()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folio.jsonl"


def test_a_row_asks_whether_the_conclusion_follows(file):
    (row,) = read(file, ROW)
    assert row == {
        "text": "All cats purr.\nTom is a cat.\nConclusion: Tom purrs.",
        "answer": "True",
        "choices": ["True", "False", "Uncertain"],
        "group": "story 406",
    }


def test_premises_may_be_one_string_of_lines(file):
    assert read(file, ROW | {"premises": "All cats purr.\nTom is a cat."}) == read(file, ROW)


@pytest.mark.parametrize(
    ("label", "answer"),
    [("Unknown", "Uncertain"), ("Uncertain", "Uncertain"), ("false", "False"), (" TRUE", "True")],
)
def test_the_spellings_of_all_releases_are_one(file, label, answer):
    assert read(file, ROW | {"label": label})[0]["answer"] == answer


def test_without_a_story_number_the_premises_are_the_group(file):
    bare = {k: v for k, v in ROW.items() if k != "story_id"}
    other = bare | {"premises": ["All dogs bark."]}
    one, same, another = read(file, bare, bare | {"conclusion": "Tom barks."}, other)
    assert one["group"] == same["group"] != another["group"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "Maybe"}, 'line 2: label: "Maybe" is none of True, False, Uncertain'),
        ({"premises": 3}, "line 2: premises is a whole number, not a string or a list\n"),
        ({"conclusion": None}, "line 2: conclusion is null, not a string\n  it needs an object"),
    ],
)
def test_a_wrong_row_is_named(file, change, message):
    with pytest.raises(InputError) as caught:
        read(file, ROW, ROW | change)
    assert message in str(caught.value)


def test_the_format_says_what_it_is():
    assert FORMATS["folio"] is folio
    assert folio.KIND == "answer"


@pytest.mark.skipif(not REAL.exists(), reason="no FOLIO in ../shared/data/folio")
@pytest.mark.parametrize(
    ("name", "count", "stories", "uncertain"),
    [("folio-train.jsonl", 1004, 340, 330), ("folio-validation.jsonl", 204, 73, 69)],
)
def test_folio_is_read_whole(name, count, stories, uncertain):
    problems = Problems(REAL / name)
    rows = [row for _, row in folio.rows(REAL / name, problems)]
    problems.raise_if_any()
    assert len(rows) == count
    assert len({row["group"] for row in rows}) == stories
    assert Counter(row["answer"] for row in rows)["Uncertain"] == uncertain
