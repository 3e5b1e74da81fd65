"""GSM8K's answers are split into reasoning and the number it comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, gsm8k
from appliance.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "gsm8k"


def read(path: Path, *answers: Any) -> list[dict[str, Any]]:
    rows = [{"question": "How many?", "answer": answer} for answer in answers]
    path.write_text("\n".join(map(json.dumps, rows)))
    problems = Problems(path)
    found = [row for _, row in gsm8k.rows(path, problems)]
    problems.raise_if_any()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "test.jsonl"


def test_reasoning_loses_its_calculator_marks_and_the_answer_its_commas(file):
    (row,) = read(file, "It is 16 - 4 = $<<16-4=12>>12.\n12 < 13 << 9 >> x\n#### 1,450,000")
    assert row == {
        "text": "How many?",
        "reasoning": "It is 16 - 4 = $12.\n12 < 13  x",
        "answer": "1450000",
    }


def test_an_answer_without_reasoning_has_none(file):
    assert read(file, "#### 7") == [{"text": "How many?", "answer": "7"}]


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3), st.booleans())
def test_a_number_is_the_same_with_and_without_thousands_commas(tmp_path_factory, number, commas):
    path = tmp_path_factory.mktemp("gsm8k") / "test.jsonl"
    written = f"{number:,f}" if commas else f"{number:f}"
    if isinstance(number, int):
        written = f"{number:,}" if commas else str(number)
    (row,) = read(path, f"so\n#### {written}")
    assert row["answer"] == written.replace(",", "")


@pytest.mark.parametrize("end", ["#### ", "#### 1,2", "#### twelve", "#### 5 km", "12", "#### 1 2"])
def test_an_answer_that_does_not_end_in_a_number_is_named(file, end):
    with pytest.raises(InputError, match="1 row is wrong"):
        read(file, "12")
    with pytest.raises(InputError) as caught:
        read(file, "fine #### 3", f"so {end}")
    said = str(caught.value)
    assert (
        f'line 2: answer: ends in "so {end}", not in "#### " and a number; write it as in' in said
    )


def test_a_row_without_an_answer_is_named(file):
    file.write_text('{"question": "?"}\n')
    problems = Problems(file)
    assert list(gsm8k.rows(file, problems)) == []
    with pytest.raises(InputError, match='line 1: has no "answer"\n  it needs'):
        problems.raise_if_any()


def test_the_format_says_what_it_is():
    assert FORMATS["gsm8k"] is gsm8k
    assert gsm8k.KIND == "answer"


@pytest.mark.skipif(not REAL.exists(), reason="no GSM8K in ../shared/data/gsm8k")
@pytest.mark.parametrize(("name", "count"), [("test.jsonl", 1319), ("train-1000.jsonl", 1000)])
def test_gsm8k_is_read_whole(name, count):
    problems = Problems(REAL / name)
    rows: list[Any] = [row for _, row in gsm8k.rows(REAL / name, problems)]
    problems.raise_if_any()
    assert len(rows) == count
    assert all(row["answer"].lstrip("-").isdigit() for row in rows)
    assert not any("<<" in row["reasoning"] or "####" in row["reasoning"] for row in rows)
