"""SemEval's sentences lose their marks, and their labels keep the direction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data.bad_rows import Problems
from appliance.data.formats import FORMATS, semeval
from appliance.errors import InputError

FILE = """\ufeff1\t"The <e1>storm</e1> caused a "great" <e2>flood</e2>."
Cause-Effect(e1,e2)
Comment: an easy one

2\t"The <e2>crew</e2> of the <e1>ship</e1>."
Other
Comment:
"""
words = st.text('ab ."<>é', max_size=6)


def read(path: Path, content: str) -> tuple[dict[str, dict[str, Any]], str]:
    """The rows by their places, and what is said of the others."""
    path.write_bytes(content.encode())
    problems = Problems(path)
    rows = dict(semeval.rows(path, problems))
    try:
        problems.raise_if_any()
    except InputError as error:
        return rows, str(error)
    return rows, ""


def ends(row: dict[str, Any]) -> tuple[str, str]:
    return row["text"][slice(*row["head"])], row["text"][slice(*row["tail"])]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_e1_is_the_head_and_the_label_has_its_direction(tmp_path, newline):
    rows, said = read(tmp_path / "x", FILE.replace("\n", newline))
    assert not said
    assert list(rows) == ["line 1", "line 5"]
    first, second = rows.values()
    assert first["text"] == 'The storm caused a "great" flood.'
    assert (ends(first), first["label"]) == (("storm", "flood"), "Cause-Effect(e1,e2)")
    assert (ends(second), second["label"]) == (("ship", "crew"), "Other")


@given(words, words, words, st.booleans())
def test_marks_are_removed_and_nothing_else(tmp_path_factory, before, inner, after, turned):
    one, two = ("e2", "e1") if turned else ("e1", "e2")
    sentence = f"x{before}<{one}>{inner}</{one}>{after}<{two}>y</{two}>z"
    path = tmp_path_factory.mktemp("x") / "x"
    rows, said = read(path, f'7\t"{sentence}"\nA(e1,e2)\n')
    assert not said
    row = rows["line 1"]
    assert row["text"] == f"x{before}{inner}{after}yz"
    assert ends(row) == (("y", inner) if turned else (inner, "y"))


def test_rows_may_follow_each_other_without_a_blank_line_or_a_comment(tmp_path):
    content = "1\t<e1>a</e1> <e2>b</e2>\nX\n2\t<e1>c</e1> <e2>d</e2>\nY"
    rows, said = read(tmp_path / "x", content)
    assert ([row["label"] for row in rows.values()], said) == (["X", "Y"], "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\t<e1>a</e1> b\nX\n", "line 1: needs one <e1>...</e1> and one <e2>...</e2>"),
        ("1\t<e1>a <e2>b</e1></e2>\nX\n", "line 1: needs one <e1>...</e1> and one <e2>"),
        ("1\t<e1>a</e1> <e2>b</e2>\n", "line 1: has no relation in the next line; take the file"),
        ("1\t<e1>a</e1> <e2>b</e2>\nComment: x\n", "line 1: has no relation in the next line"),
        ("\nThe sentence\nX\n", 'line 2: is no number, tab and sentence (it reads "The sentence")'),
    ],
)
def test_a_wrong_row_is_named(tmp_path, content, message):
    rows, said = read(tmp_path / "x", content)
    assert not rows
    assert message in said and "it needs a line with a number" in said


def test_the_format_says_what_it_is():
    assert FORMATS["semeval"] is semeval
    assert (semeval.KIND, semeval.NONE) == ("relation", "Other")
