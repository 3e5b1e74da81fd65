"""BIG-Bench Hard's options become choices where the answer is one of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, bbh
from appliance.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "bbh"
needs_bbh = pytest.mark.skipif(not REAL.exists(), reason="no BBH in ../shared/data/bbh")


def read(path: Path, *examples: Any) -> list[dict[str, Any]]:
    path.write_text(json.dumps({"canary": "never train on this", "examples": examples}))
    problems = Problems(path)
    found = [row for _, row in bbh.rows(path, problems)]
    problems.raise_if_any()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "task.json"


@pytest.mark.parametrize(
    ("listed", "target", "choices"),
    [
        ("(A) red\n(B) blue\n(C) -1", "(B)", ["(A)", "(B)", "(C)"]),
        ("- Yes\n- No", "No", ["Yes", "No"]),
        ("- valid \n- invalid", "valid", ["valid", "invalid"]),
    ],
)
def test_lettered_options_are_chosen_by_letter_and_others_by_what_they_say(
    file, listed, target, choices
):
    text = f"What now?\nOptions:\n{listed}"
    (row,) = read(file, {"input": text, "target": target})
    assert row == {"text": text, "answer": target, "choices": choices}


@pytest.mark.parametrize("target", ["(B)", "B", "dark blue", " (B) "])
def test_a_lettered_option_may_be_named_by_its_letter_or_by_what_it_says(file, target):
    (row,) = read(file, {"input": "?\nOptions:\n(A) red\n(B) dark blue ", "target": target})
    assert (row["answer"], row["choices"]) == ("(B)", ["(A)", "(B)"])


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Like Shrek:\nOptions:\n(A) Monsters\n(B) Inc\n(C) Town", "Monsters, Inc"),
        ("Is it?\nOptions:\n- Yes", "Yes"),
        ("Is it?\nOptions:\n- Yes\n- Yes", "Yes"),
        ("Is it?\nOptions:\n(A) one\n(B) one", "one"),
        ("Is it?\nOptions:\n(A) B\n(B) A", "A"),
        ("not ( True ) is", "False"),
        ("Sort: - b\n- a", "a b"),
    ],
)
def test_an_answer_that_is_no_option_is_written(file, text, target):
    (row,) = read(file, {"input": text, "target": target})
    assert row == {"text": text, "answer": target}


@given(
    st.lists(st.text("abc (){}-:", min_size=1).map(str.strip).filter(bool), min_size=2, unique=True)
)
def test_options_are_read_as_they_are_listed(listed):
    assert list(bbh.options("?\nOptions:\n" + "\n".join(f"- {o}" for o in listed))) == listed


def test_options_mentioned_before_the_last_list_do_not_count():
    assert bbh.options("Options:\n- a\n- b\nand now\nOptions:\n- c\n- d").keys() == {"c", "d"}


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ({"input": "x", "target": 8}, "row 2: target is a whole number, not a string"),
        ({"input": "x"}, 'row 2: has no "target"'),
    ],
)
def test_a_wrong_example_is_named(file, example, message):
    with pytest.raises(InputError) as caught:
        read(file, {"input": "x", "target": "y"}, example)
    assert message in str(caught.value)


def test_csv_in_a_json_file_is_refused_with_the_command_to_use(file):
    """So are the files of the GReaTer repository."""
    file.write_text('goal,target,final_target\n"How many, all in all?",8,8\n')
    with pytest.raises(InputError) as caught:
        list(bbh.rows(file, Problems(file)))
    assert str(caught.value) == (
        f"{file}: looks like CSV, not JSON (it begins goal,target,final_target); import it with: "
        "strop task import csv FILE --kind KIND --column FIELD=NAME"
    )


def test_the_format_says_what_it_is():
    assert FORMATS["bbh"] is bbh
    assert (bbh.KIND, bbh.LICENCE) == ("answer", "MIT")


@needs_bbh
@pytest.mark.parametrize(
    ("name", "count", "written"),
    [
        ("causal_judgement", 187, 0),
        ("hyperbaton", 250, 0),
        ("movie_recommendation", 250, 1),
        ("object_counting", 250, 250),
        ("tracking_shuffled_objects_three_objects", 250, 0),
    ],
)
def test_bbh_is_read_whole(name, count, written):
    path = REAL / f"{name}.json"
    problems = Problems(path)
    rows = [row for _, row in bbh.rows(path, problems)]
    problems.raise_if_any()
    assert Counter("choices" in row for row in rows)[False] == written
    assert len(rows) == count
