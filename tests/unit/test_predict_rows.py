"""What a prediction writes and keeps: records are found again, and rows alike are chosen once."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from appliance.predict.lines import Lines, record_ends
from appliance.predict.uncertain import Uncertain
from appliance.scoring.outcomes import RunnerUp
from appliance.scoring.predict import Answer
from appliance.task import Example

CELLS = st.text(alphabet='ab,"\n\r;\t é😀', max_size=8)


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), max_size=6), st.integers(0, 40))
def test_every_whole_record_of_a_table_is_found_again_wherever_it_was_cut(rows, cut):
    lines = Lines("csv", ["a", "b"], ["c"])
    parts = [lines.header, *(lines.row(row, {"c": 1.5}) for row in rows)]
    data = "".join(parts).encode()
    ends = [len("".join(parts[: n + 1]).encode()) for n in range(len(parts))]
    assert list(record_ends(io.BytesIO(data), "csv")) == ends
    short = data[: max(len(data) - cut, 0)]
    assert list(record_ends(io.BytesIO(short), "csv")) == [end for end in ends if end <= len(short)]
    found = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert found == [["a", "b", "c"], *([row["a"], row["b"], "1.5"] for row in rows)]


@given(st.lists(st.dictionaries(CELLS, CELLS | st.integers() | st.none(), max_size=3), max_size=6))
def test_every_row_of_json_lines_is_one_line(rows):
    lines = Lines("jsonl", [], ["added"])
    data = "".join(lines.row(row, {"added": None}) for row in rows).encode()
    assert len(list(record_ends(io.BytesIO(data), "jsonl"))) == len(rows)
    assert [json.loads(line) for line in data.decode().split("\n")[:-1]] == [
        {**row, "added": None} for row in rows
    ]


def chosen(wanted: int, margins: dict[str, float], known: frozenset[str] = frozenset()) -> list:
    uncertain = Uncertain(wanted, known)
    for text, margin in margins.items():
        answer = Answer("x", 0.5, False, RunnerUp("y", 0.5), margin)
        uncertain.show({"text": text}, Example(text), answer)
    return [original["text"] for original, _ in uncertain.chosen()]


def test_the_least_clear_rows_are_chosen_and_of_equal_ones_the_earlier():
    margins = {"a b": 0.3, "c d": 0.1, "e f": 0.2, "g h": 0.1}
    assert chosen(3, margins) == ["c d", "g h", "e f"]


def test_of_rows_nearly_alike_the_least_clear_alone_is_chosen():
    text = "the pump in hall nine leaks oil again today"
    margins = {text: 0.2, text.upper(): 0.1, f"{text} now": 0.15, "another text": 0.9, "12": 1.0}
    assert chosen(9, margins) == [text.upper(), "another text", "12"]


def test_a_text_that_is_in_the_task_is_not_chosen():
    assert chosen(2, {"A  b 7": 0.1, "c": 0.2}, frozenset({"a b 0"})) == ["c"]


def test_many_rows_are_passed_over_without_being_kept():
    uncertain = Uncertain(2, frozenset())
    for number in range(1000):
        answer = Answer("x", 0.5, False, None, (999 - number) / 1000)
        name = "".join(chr(97 + int(digit)) for digit in str(number))
        uncertain.show({"number": number}, Example(f"word {name}"), answer)
    assert len(uncertain._kept) < 80
    assert [original["number"] for original, _ in uncertain.chosen()] == [999, 998]


def test_rows_nearly_alike_take_no_room_from_others():
    uncertain = Uncertain(3, frozenset())
    for number in range(200):
        uncertain.show(
            {}, Example(f"order {number} was shipped"), Answer("x", 0.5, False, None, 0.1)
        )
    for text in ("a lamp", "no light", "the fan"):
        uncertain.show({}, Example(text), Answer("x", 0.5, False, None, 0.9))
    assert len(uncertain.chosen()) == 3
