"""OpenNRE's relations are read in words and in characters, with exclusive ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from annotations import lines
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, opennre
from appliance.errors import InputError

WORDS: dict[str, Any] = {
    "token": ["Ida", "Moe", "left", "Acme", "."],
    "h": {"name": "ida moe", "id": "Q1", "pos": [0, 2]},
    "t": {"name": "acme", "id": "Q2", "pos": [3, 4]},
    "relation": "left",
}
TEXT: dict[str, Any] = WORDS | {"text": "Ida Moe left Acme."}
TEXT |= {"h": {"name": "Ida Moe", "pos": [0, 7]}, "t": {"name": "Acme", "pos": [13, 17]}}
del TEXT["token"]


def read(folder: Path, *records: Any) -> tuple[list[dict[str, Any]], str]:
    """The rows, and what is said of the others."""
    path = lines(folder / "x.txt", *records)
    problems = Problems(path)
    rows = [row for _, row in opennre.rows(path, problems)]
    try:
        problems.raise_if_any()
    except InputError as error:
        return rows, str(error)
    return rows, ""


def ends(row: dict[str, Any]) -> tuple[str, str]:
    return row["text"][slice(*row["head"])], row["text"][slice(*row["tail"])]


@pytest.mark.parametrize("record", [WORDS, TEXT])
def test_head_and_tail_stand_where_they_are(tmp_path, record):
    ((row,), said) = read(tmp_path, record)
    assert (ends(row), row["label"], said) == (("Ida Moe", "Acme"), "left", "")


@given(st.lists(st.text("ab é\U0001f600", max_size=3), min_size=2, max_size=6), st.data())
def test_entities_are_the_words_joined_whatever_the_words_hold(tmp_path_factory, words, data):
    cut = data.draw(st.integers(1, len(words) - 1))
    places = (0, cut), (cut, len(words))
    named = {key: {"pos": list(pos)} for key, pos in zip("ht", places, strict=True)}
    ((row,), said) = read(tmp_path_factory.mktemp("x"), WORDS | {"token": words} | named)
    assert not said
    assert ends(row) == (" ".join(words[:cut]), " ".join(words[cut:]))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            WORDS | {"h": {"name": "Ida Moe", "pos": [0, 1]}},
            'is "Ida" in the sentence, not "Ida Moe"; ends are exclusive: write [0, 2]',
        ),
        (
            TEXT | {"t": {"name": "Acme", "pos": [13, 16]}},
            'is "Acm" in the sentence, not "Acme"; ends are exclusive: write [13, 17]',
        ),
        (WORDS | {"t": {"pos": [4, 6]}}, "t.pos [4, 6]: is no part of the sentence of 5 words"),
        (TEXT | {"t": {"pos": [17, 17]}}, "t.pos [17, 17]: is no part of the sentence of 18 char"),
        (WORDS | {"t": {"pos": [1, 4]}}, "h.pos [0, 2] and t.pos [1, 4] overlap (ends are excl"),
        (WORDS | {"t": {"pos": [1]}}, "t.pos is not a list of 2"),
        (TEXT | {"text": None}, "has neither token nor text; give it one of them"),
        (TEXT | {"relation": 3}, "relation is a whole number, not a string"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named(tmp_path, record, message):
    rows, said = read(tmp_path, WORDS, record)
    assert len(rows) == 1
    assert "line 2: " in said and message in said


def test_the_format_says_what_it_is():
    assert FORMATS["opennre"] is opennre
    assert (opennre.KIND, opennre.NONE) == ("relation", "NA")
