"""Labels as a file spells them: which are one, which may be, and how several stand in a cell."""

from __future__ import annotations

import json
import unicodedata
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.choices import Choices
from appliance.data.formats import parquet
from appliance.data.labels.delimited import delimiter_of
from appliance.data.labels.given import read_labels
from appliance.data.labels.names import label_defect
from appliance.data.labels.spelling import folded, variants
from appliance.data.read import table
from appliance.data.read.cells import listed
from appliance.data.read.jsonl import read_jsonl
from appliance.data.read.rows import fixed_task
from appliance.data.read.source import Source
from appliance.errors import InputError
from appliance.task import Label

WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "rstz"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def rows(spelt: list[object], each: int = 6) -> list[dict[str, Any]]:
    """Rows in which every label stands in ``each`` of them."""
    return [
        {"text": f"{WORDS[n * each + i]} wrote", "label": label}
        for n, label in enumerate(spelt)
        for i in range(each)
    ]


def read(path: Path, spelt: list[object], **choices: Any) -> Imported:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(spelt)), encoding="utf-8")
    return read_jsonl(path, Choices("mine", **{"kind": "classify", **choices}))


def read_table(path: Path, **more: Any) -> Imported:
    choices = Choices("mine", kind="classify", **more)
    return fixed_task([table.source(path, choices)], choices)


def refusal(path: Path, spelt: list[object], **choices: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(path, spelt, **choices)
    return str(caught.value)


def names(imported: Imported) -> list[str]:
    return [label.name for label in imported.task.labels]


DIFFERENT = [
    ("-1", "1"), ("C", "C#"), ("C++", "C#"), ("1.0", "10"), ("1/2", "12"), ("0-5", "05"),
    ("10:00", "1000"), ("A+", "A-"), ("A-", "A"), ("!", "?"), ("yes", "yes!"), ("cafe", "café"),
    ("$5", "5"), ("5 %", "5"), ("level -1", "level 1"),
]  # fmt: skip


@pytest.mark.parametrize("pair", DIFFERENT)
def test_signs_and_punctuation_that_tell_labels_apart_count(file, pair):
    imported = read(file, list(pair))
    assert names(imported) == sorted(pair)
    assert imported.notes == ()


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        ("Reports to", '"reports to" and "Reports to";'),
        ("reports\u00a0to", '"reports to" and "reports\u00a0to" (U+0020 against U+00A0);'),
        ("reports  to", "(U+0020 U+0074 against U+0074)"),
        ("ｒeports to", "(U+0072 against U+FF52)"),
    ],
)
def test_two_labels_that_read_the_same_are_refused_with_what_differs(file, other, differ):
    message = refusal(file, ["reports to", other])
    assert "labels that read the same" in message
    assert differ in message.replace(f'"{other}" and "reports to"', f'"reports to" and "{other}"')
    assert "use one spelling for each, or give each words of its own with --labels" in message


def test_accents_that_are_composed_otherwise_are_shown_by_their_code_points(file):
    said = refusal(file, ["café", "cafe\u0301"])
    assert "(U+0065 U+0301 against U+00E9)" in said


def test_words_that_a_labels_file_gives_tell_labels_apart(file):
    given = [Label("US", words="United States"), Label("us", words="we")]
    assert names(read(file, ["US", "us"], labels=given)) == ["US", "us"]
    assert "labels that read the same" in refusal(file, ["US", "us"])


@pytest.mark.parametrize(
    "group",
    [
        ["Part of", "part-of", "part_of"], ["reports to", "reports to."], ["e-mail", "email"],
        ["COVID-19", "covid 19"], ["U.S.", "US"], ["1", "1.0"], ["late", "la\u200bte"],
    ],
)  # fmt: skip
def test_likely_variants_of_one_label_are_told_and_stay_labels(file, group):
    imported = read(file, [*group, "other"])
    assert len(imported.task.labels) == len(group) + 1
    (note,) = imported.notes
    assert note.startswith("labels that may be one, spelt in several ways: ")
    assert note.count(" 6") == len(group)
    given = [Label(name) for name in (*group, "other")]
    assert read(file, [*group, "other"], labels=given).notes == ()


@given(st.sets(st.text(max_size=6), min_size=2, max_size=5))
@example({"-1", "1"})
def test_labels_are_variants_only_if_they_have_the_same_letters_and_digits(some):
    def bare(label: str) -> str:
        return "".join(c for c in folded(label) if c.isalnum()).removesuffix("0")

    for group in variants(some):
        assert len({bare(label).rstrip("0") for label in group}) == 1


def same(one: str, other: str) -> bool:
    """The rule by which two labels are refused as one, written anew."""

    def form(label: str) -> list[str]:
        folded = unicodedata.normalize("NFKC", label).casefold()
        return unicodedata.normalize("NFKC", folded).split()

    return form(one) == form(other)


near = st.text(st.sampled_from("aAe\u00e9\u0301 \u00a01.-#ßſK\u212a"), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(near | st.text(min_size=1, max_size=8), near)
@example("\u212a", "k")
@example("ß", "SS")
def test_two_labels_are_refused_as_one_if_and_only_if_they_are_equal_once_folded(
    tmp_path_factory, one, other
):
    if one == other or label_defect(one) or label_defect(other):
        return
    path = tmp_path_factory.mktemp("any") / "rows.jsonl"
    try:
        read(path, [one, other, "third"])
    except InputError as error:
        assert "labels that read the same" in str(error)
        assert same(one, other) or same(one, "third") or same(other, "third")
    else:
        assert not same(one, other)


# A file of labels.


def given_labels(path: Path, content: str, kind: Any = "classify") -> list[Label]:
    path.write_text(content, encoding="utf-8")
    return read_labels(path, kind)


def test_a_file_of_labels_gives_their_order_and_descriptions(file):
    found = given_labels(file, '[{"name": "b", "description": "second"}, {"name": "a"}]')
    assert found == [Label("b", "second"), Label("a")]
    for wrong in ('{"a": 1}', '[{"label": "a"}]', "[", '["a"]'):
        with pytest.raises(InputError, match=r'a labels file is \[\{"name"'):
            given_labels(file, wrong)


def test_a_file_of_labels_gives_the_words_that_prompts_write(file):
    content = '[{"name": "0", "words": "bad"}, {"name": "1", "words": "good"}, {"name": "2"}]'
    assert given_labels(file, content) == [
        Label("0", words="bad"),
        Label("1", words="good"),
        Label("2"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('"2"', 'labels that read the same: "0", written "2", and "2"; use one'),
        ('"Good"', '"0", written "Good", and "1", written "good"; use one'),
        ('" "', 'words of label "0": what is written is empty'),
        ('"two\\nlines"', 'words of label "0": what is written "two\\nlines" holds'),
    ],
)
def test_words_that_cannot_be_told_apart_or_written_are_refused(file, words, said):
    given = (
        f'[{{"name": "0", "words": {words}}}, {{"name": "1", "words": "good"}}, {{"name": "2"}}]'
    )
    with pytest.raises(InputError) as caught:
        given_labels(file, given)
    assert said in str(caught.value)


def test_what_is_wrong_in_a_file_of_labels_is_blamed_on_that_file(tmp_path):
    path = tmp_path / "labels.json"
    for content, kind, said in (
        ('[{"name": "a"}, {"name": "a"}]', "classify", 'label "a" is given twice'),
        ('[{"name": "a"}, {"name": "A"}]', "classify", "labels that read the same"),
        ('[{"name": " a"}]', "classify", "begins or ends with white space"),
        ('[{"name": "a", "words": "b"}]', "spans", 'label "a" has words, and entity types are'),
    ):
        with pytest.raises(InputError) as caught:
            given_labels(path, content, kind)
        assert str(caught.value).startswith(f"{path}: ") and said in str(caught.value)


# Several labels in one cell.

LISTS = [
    '["late", "rude"]',
    "['late', 'rude']",
    "['late' 'rude']",
    "['late'\n 'rude']",
    '{"choices": ["late", "rude"]}',
    "{'choices': ['late', 'rude']}",
    '{"choices":["late","rude"]}',
]


@pytest.mark.parametrize("cell", [*LISTS, ["late", "rude"], {"choices": ["late", "rude"]}])
def test_a_list_in_a_cell_is_a_list_of_labels(file, cell):
    imported = read(file, [cell, "late", "rude"], several=True)
    assert names(imported) == ["late", "rude"]
    assert imported.examples[0].labels == ("late", "rude")
    written = ("lists written as text are read as lists: 6",) if isinstance(cell, str) else ()
    assert imported.notes == written
    assert "line 1, label: lists 2 labels; for several labels a text give --several" in refusal(
        file, [cell, "late", "rude"]
    )


@pytest.mark.parametrize("cell", ['["late"]', "['late']", ["late"], ["late", "late"]])
def test_a_list_of_one_label_is_that_label(file, cell):
    assert names(read(file, [cell, "rude"])) == ["late", "rude"]
    assert "line 1, label: is empty; name the label" in refusal(file, [[], "rude"])


def test_a_relation_has_one_label_of_a_list(file):
    own = [
        row | {"head": row["text"][:3], "tail": "wrote", "label": label}
        for row, label in zip(rows(["a", "b"]), [["a"], ["a", "b"]] * 6, strict=True)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in own))
    with pytest.raises(InputError, match="line 2, label: lists 2 labels; keep one"):
        read_jsonl(file, Choices("mine"))


def test_lists_in_a_table_are_read_as_in_json_lines(tmp_path):
    cells = ["\"['late', 'rude']\"", '"[""late""]"', "rude"]
    path = tmp_path / "rows.csv"
    body = [f"{WORDS[i]} wrote,{cells[i % 3]}\n" for i in range(24)]
    path.write_text("".join(["text,label\n", *body]))
    imported = read_table(path, several=True)
    assert [row.labels for row in imported.examples[:3]] == [("late", "rude"), ("late",), ("rude",)]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(st.lists(texts | st.booleans() | st.integers(-(10**17), 10**17), max_size=4))
def test_a_list_is_read_back_from_what_json_and_python_write(values):
    assert listed(json.dumps(values)) == values
    assert listed(repr(values)) == values
    assert listed(f" {values!r} ") == values
    assert listed(json.dumps({"choices": values})) == values
    if values:
        assert listed(f"[{' '.join(map(repr, values))}]") == values


@given(st.text() | st.text("[]'\", \\nx{}choices1"))
@example("['a''b']")
@example("[01]")
@example("[PAD]")
def test_any_cell_is_a_list_or_stays_as_it_is(cell):
    found = listed(cell)
    assert found is None or json.dumps(found).encode()
    if not cell.strip().startswith(("[", "{")):
        assert found is None


def test_a_cell_without_end_is_given_up_at_once():
    for cell in ("[" + " " * 100_000 + "x]", "[" + "'a' " * 50_000, "[" * 100_000 + "]"):
        assert listed(cell) is None


@pytest.mark.parametrize("mark", [",", "#", "/"])
def test_where_no_row_has_two_labels_it_is_told_and_what_may_divide_them(file, mark):
    imported = read(file, ["late", "rude", f"late{mark}rude"], several=True)
    said = f"no row has two labels; labels look divided: give --label-delimiter {mark!r}"
    assert imported.notes == (said.replace("','", ",").replace("'/'", "/"),)
    assert read(file, ["late", "rude"], several=True).notes == ("no row has two labels",)
    divided = read(file, ["late", "rude", f"late{mark}rude"], several=True, label_delimiter=mark)
    assert (names(divided), divided.notes) == (["late", "rude"], ())


@pytest.mark.parametrize("mark", [",", ";", "|", "#"])
def test_labels_that_combine_others_are_told_where_a_text_has_one(file, mark):
    (note,) = read(file, ["late", "rude", f"late{mark}rude"]).notes
    assert note.startswith(f'labels look like several labels, divided by "{mark}"; for several')
    assert "--several --label-delimiter " in note


@pytest.mark.parametrize(
    "labels",
    [
        ["Arts, Crafts", "Food", "Sports, Games"],
        ["Paris, France", "Lyon, France"],
        ["1.0", "2.0"],
        ["sport/tennis", "sport/football", "news"],
    ],
)
def test_labels_that_only_hold_a_delimiter_are_not_taken_for_combinations(labels):
    assert delimiter_of(labels) is None


@given(st.sets(st.sampled_from("abcd"), min_size=2), st.sampled_from(";|,#"), st.data())
def test_combinations_of_a_few_labels_are_found_with_what_divides_them(atoms, mark, data):
    more = data.draw(st.sets(st.sampled_from(sorted(atoms)), min_size=2))
    assert delimiter_of([*atoms, f"{mark} ".join(sorted(more))]) == mark


# Labels that are no strings.

VALUES: list[object] = [True, False, 1, 1.5, "1.0"]


def test_numbers_and_truth_values_are_the_same_labels_in_every_format(tmp_path):
    choices = Choices("mine", kind="classify")
    own = rows(VALUES)
    lines = tmp_path / "rows.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in own))
    cells = tmp_path / "rows.csv"
    cells.write_text("text,label\n" + "".join(f"{r['text']},{r['label']}\n" for r in own))
    found = [names(read_jsonl(lines, choices)), names(read_table(cells))]
    for values in ([True, False], [1, 2], [1.0, 2.5]):
        columns = tmp_path / "rows.parquet"
        own = rows(list(values))
        pq.write_table(pa.Table.from_pylist(own), columns)
        task = fixed_task([Source(columns, partial(parquet.rows, columns))], choices)
        assert names(task) == sorted(map(str, values))
    assert found == [["1", "1.0", "1.5", "False", "True"]] * 2


def test_a_label_that_is_no_number_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows([float("nan"), 1.0])), path)
    with pytest.raises(InputError, match="row 1, label: is nan, no number; write a string"):
        fixed_task([Source(path, partial(parquet.rows, path))], Choices("mine", kind="classify"))
