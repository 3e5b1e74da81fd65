"""Answers out of what a model wrote, and whether they are right."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.scoring.matching import is_one_number, matches, number, predicted

LETTERS = ("(A)", "(B)", "(C)")
TEXTS = ("(A) a red car", "(B) the red car", "(C) no car")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8", 8),
        (" 8.\n\nQ: Are 9 more than 7?", 8),
        ("-3", -3),
        ("−3 degrees", -3),
        ("3.0", 3),
        ("007", 7),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("$1,234.50", Fraction(2469, 2)),
        ("-$3", -3),
        ("$-3", -3),
        ("1 234", 1234),
        ("1\u202f234,5", Fraction(2469, 2)),
        ("1'234", 1234),
        ("12,34,567", 1234567),
        ("1.234,50", Fraction(2469, 2)),
        ("1.234.567", 1234567),
        ("3,5", Fraction(7, 2)),
        ("0,125", Fraction(1, 8)),
        ("12%", 12),
        ("1e3", 1000),
        ("2.5E-1", Fraction(1, 4)),
        ("1/2", Fraction(1, 2)),
        ("3 / 4 of it", Fraction(3, 4)),
        ("2 1/2", Fraction(5, 2)),
        ("2½", Fraction(5, 2)),
        ("-½", Fraction(-1, 2)),
        ("1/0", None),
        ("1 234/0", None),
        ("1 / 00 is", None),
        ("1_000", None),
        ("0x10", None),
        ("1e999999999", None),
        ("12e9999", None),
        ("1e3km", None),
        ("5 km/h", 5),
        ("0 x 10", 0),
        ("3x4", 3),
        ("12/05/2020", 12),
        ("1,2345", Fraction(12345, 10000)),
        ("1,234,5", 1),
        ("1,2,3", 1),
        ("1, 2", 1),
        ("192.168.100.1", Fraction("192.168")),
        ("5-3", 5),
        ("COVID-19", 19),
        ("12 2005", 12),
        ("8km", 8),
        ("Answer: **42**", 42),
        ("x2 is 4", 4),
        ("答案是８个", 8),
        ("١٢٫٥", Fraction(25, 2)),
        ("10²", 10),
        ("no number, not even x2.5", None),
        ("", None),
    ],
)
def test_a_number_is_read_however_it_is_written(written, value):
    line = predicted(written, "numeric")
    assert number(written.partition("\n")[0]) == value
    assert number(line) == value and (line == "") == (value is None)


@given(st.text() | st.text("0123456789.,-/ '$eE½", max_size=30))
@example("9" * 5000)
@example("1e999999999")
@example("1/" + "9" * 5000)
@example("1" + ",234" * 400 + ",5")
def test_any_text_has_the_number_that_is_said_or_none(text):
    line = text.strip().partition("\n")[0]
    assert number(predicted(text, "numeric")) == number(line)


@pytest.mark.parametrize(
    "text", ["8", "-3.5", "$1,234.50", "1 234", "12%", "2 1/2", "½", "1e3", "42 apples", "**7**"]
)
def test_a_text_with_one_number_is_one(text):
    assert is_one_number(text)


@pytest.mark.parametrize(
    "text",
    ["", "none", "1_000", "0x10", "1/0", "1e999999999", "12/05/2020", "1,2,3", "192.168.100.1",
     "5-3", "1 or 2", "10²", "x2 is 4"],
)  # fmt: skip
def test_a_text_out_of_which_another_number_can_be_read_is_none(text):
    assert not is_one_number(text)


@given(st.text("0123456789.,-/ '$eExX_½²%", max_size=12))
def test_all_digits_of_what_is_one_number_are_read(text):
    if is_one_number(text):
        line = predicted(text, "numeric")
        digits = [c for c in text if c.isdigit()]
        assert [c for c in line if c.isdigit()] == digits or "½" in text


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_a_number_is_the_same_with_and_without_its_thousands_marked(value):
    assert number(f"{value}") == Fraction(value)
    for mark in (",", " ", "'"):
        assert number(f"{value:,}".replace(",", mark)) == Fraction(value)


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("$18", ("18",), True),
        ("18.00", ("18",), True),
        ("0.5", ("1/2",), True),
        ("0.3333", ("1/3",), False),
        ("18", ("17", "18"), True),
        ("1,8", ("18",), False),
        ("0.1", ("0.10000000000000001",), False),
        ("none", ("none",), False),
        ("", ("0",), False),
    ],
)
def test_numbers_are_held_against_each_other_exactly(answer, gold, right):
    assert matches(answer, gold, "numeric") is right


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        (' "Ada Park".\n\nQ: Who else?', "Ada Park"),
        ("\n\nAda Park", "Ada Park"),
        ("“Ada Park.”", "Ada Park"),
        ("**Ada Park**", "Ada Park"),
        ("(Ada)", "Ada"),
        ("«Ada»;", "Ada"),
        ("「阿达」。", "阿达"),
        ("f(x)", "f(x)"),
        ("(a) or (b)", "(a) or (b)"),
        ("] ) }", "] ) }"),
        (".", "."),
        ('""', '""'),
        ("C++", "C++"),
        ("-3", "-3"),
        ("  ", ""),
    ],
)
def test_an_exact_answer_is_a_line_without_what_is_around_it(written, answer):
    assert predicted(written, "exact") == answer


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("ada  PARK", ("Ada Park",), True),
        ("Ａｄａ", ("ada",), True),
        ("e\u0301clair", ("Éclair",), True),
        ("the cat", ("cat",), False),
        ("Norvik", ("Oslo", "Norvik."), True),
        ("3", ("-3",), False),
        ("5", (".5",), False),
        (") ]", ("]",), False),
        ("]", ("[",), False),
        (".", ("...",), False),
        ("", ("",), False),
        ("\uff08", ("(\uff08)",), True),
    ],
)
def test_exact_answers_differ_in_case_and_outer_punctuation_alone(answer, gold, right):
    assert matches(answer, gold, "exact") is right


@given(st.text())
def test_any_line_of_text_is_right_where_it_is_the_answer(text):
    answer = predicted(text, "exact")
    assert "\n" not in answer and predicted(answer, "exact") == answer
    line = text.strip().partition("\n")[0]
    assert matches(answer, (line,), "exact") is bool(line.strip())
