"""Rows as other tools write them: nested values, one column a label, words with tags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import label_studio_flat
from appliance.data.paths import at
from appliance.data.read import table
from appliance.data.read.columns import Defect
from appliance.data.read.examples import Reader
from appliance.data.read.jsonl import read_jsonl
from appliance.data.read.reshape import joined, reshaped
from appliance.data.read.rows import fixed_task
from appliance.errors import InputError

PATH = Path("file")
WORDS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "rst"]


def reshape(row: dict[str, Any], kind: Any = "classify", **given: Any) -> tuple[Any, str]:
    """The row with what is said of it."""
    problems = Problems(PATH)
    rows = reshaped([("row 1", row)], problems, Choices("x", kind=kind, **given))
    found = None
    try:
        found = next((dict(row) for _, row in rows), None)
        problems.raise_if_any()
    except InputError as error:
        return found, str(error)
    return found, ""


def reader(**given: Any) -> Reader:
    return Reader(Choices("x", kind="classify", **given))


def imported(path: Path, rows: list[Any], **given: Any) -> Imported:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_jsonl(path, Choices("x", kind="classify", **given))


keys = st.text("ab.0", min_size=1, max_size=3)
nested = st.recursive(
    st.integers(),
    lambda inner: st.dictionaries(keys, inner, min_size=1) | st.lists(inner, min_size=1),
    max_leaves=6,
)


def paths(value: Any, before: str = "") -> list[tuple[str, Any]]:
    """Every path with its value, where no key has a full stop."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in items:
        found.append((f"{before}{key}", inner))
        if isinstance(inner, dict | list):
            found += paths(inner, f"{before}{key}.")
    return found


@given(st.dictionaries(keys.filter(lambda key: "." not in key), nested, min_size=1))
def test_every_value_has_a_path(record):
    for path, value in paths(record):
        if not any("." in str(key) for key in keys_of(record)):
            assert at(record, path) == value


def keys_of(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [key for inner in value for key in keys_of(inner)]
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in keys_of(inner))]
    return []


def test_a_column_that_is_called_like_a_path_comes_first():
    row = {"a.b": 1, "a": {"b": 2, "c.d": 3}, "e": [{"f": 4}]}
    assert [at(row, path) for path in ("a.b", "a.c.d", "e.0.f", "e.1.f", "a.x")] == [
        1, 3, 4, None, None,
    ]  # fmt: skip


def test_nested_values_are_columns_that_can_be_mapped(tmp_path):
    rows = [
        {"data": {"text": f"{word} wrote", "doc": {"id": i // 2}}, "says": [{"label": "ab"[i % 2]}]}
        for i, word in enumerate(WORDS[:24])
    ]
    columns = {"text": "data.text", "label": "says.0.label", "group": "data.doc.id"}
    found = imported(tmp_path / "x.jsonl", rows, columns=columns)
    assert found.examples[1].text == "bas wrote"
    assert (found.examples[1].label, found.examples[1].group) == ("b", "0")
    with pytest.raises(
        InputError, match=r'no column "text" .* found: .*"data.doc.id", "data.text"'
    ):
        imported(tmp_path / "x.jsonl", rows)


TOXIC = ("toxic", "insult", "threat")


@pytest.mark.parametrize(
    ("yes", "no"),
    [(1, 0), (True, False), (1.0, 0.0), ("1", "0"), ("1.0", "0.0"), ("True", "False")],
)
def test_columns_that_say_1_are_the_labels(yes, no):
    row = {"text": "a", "toxic": yes, "insult": no, "threat": yes}
    found, said = reshape(row, label_columns=TOXIC, several=True)
    assert (found["label"], said) == (["toxic", "threat"], "")
    row["threat"] = no
    assert reshape(row, label_columns=TOXIC)[0]["label"] == "toxic"
    assert reshape(row | {"toxic": no}, label_columns=TOXIC, several=True)[0]["label"] == []


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ((1, 1, 0), 'row 1, label: the columns that say 1 are "toxic", "insult"; for any number'),
        ((0, 0, 0), "row 1, label: the columns that say 1 are none; for any number of labels"),
        ((-1, 0, 0), "row 1, toxic: is -1; write 1 where the label holds, else 0"),
        ((0.5, 0, 0), "row 1, toxic: is 0.5; write 1 where"),
        ((None, 0, 0), "row 1, toxic: is null; write 1 where"),
        (("", 0, 0), 'row 1, toxic: is ""; write 1 where'),
        ((1, 0), 'no column "threat"; columns found: "insult", "toxic"; mend --label-columns'),
    ],
)
def test_a_row_whose_columns_make_no_label_is_named(says, message):
    found, said = reshape(dict(zip(TOXIC, says, strict=False)), label_columns=TOXIC)
    assert found is None and message in said


def test_a_row_that_lacks_the_column_of_a_label_is_named():
    rows = [("row 1", dict.fromkeys(TOXIC, 1)), ("row 2", {"toxic": 1, "insult": 0})]
    problems = Problems(PATH)
    choices = Choices("x", kind="classify", label_columns=TOXIC, several=True)
    assert len(list(reshaped(rows, problems, choices))) == 1
    assert "row 2, threat: is missing" in str(problems.refusal())


@pytest.mark.parametrize(
    ("tokens", "marks"),
    [
        (["Ada", "in", "Rome"], ["B-PER", "O", "B-LOC"]),
        ('["Ada", "in", "Rome"]', '["B-PER", "O", "B-LOC"]'),
        ("['Ada', 'in', 'Rome']", "['B-PER', 'O', 'B-LOC']"),
        ("['Ada' 'in' 'Rome']", ["B-PER", "O", "B-LOC"]),
    ],
)
def test_words_and_tags_are_read_as_lists_and_as_the_text_of_lists(tokens, marks):
    found, said = reshape({"text": tokens, "spans": marks}, "spans")
    assert (found["text"], said) == ("Ada in Rome", "")
    assert found["spans"] == [[0, 3, "PER"], [7, 11, "LOC"]]


def test_a_text_in_brackets_with_spans_stays_a_text():
    row = {"text": "['Ada', 'Rome']", "spans": [[2, 5, "PER"]]}
    assert reshape(row, "spans") == (row, "")


def test_a_query_may_be_a_list_of_words():
    row = joined({"text": ["Ada", "in", "Rome"]}, Choices("x", kind="spans"))
    assert row["text"] == "Ada in Rome"
    plain = {"text": "['Ada']"}
    assert joined(plain, Choices("x", kind="classify")) is plain


def test_columns_of_labels_are_read_from_a_spreadsheet(tmp_path):
    path = tmp_path / "toxic.csv"
    lines = [f"{word},{i % 2},{i % 3 // 2}" for i, word in enumerate(WORDS[:24])]
    path.write_text("\n".join(["body,toxic,insult", *lines]))
    choices = Choices("x", kind="classify", several=True, columns={"text": "body"},
                      label_columns=("toxic", "insult"))  # fmt: skip
    found = fixed_task([table.source(path, choices)], choices)
    assert [label.name for label in found.task.labels] == ["insult", "toxic"]
    assert found.examples[5].labels == ("insult", "toxic")


CLASSES = ("World", "Sports")


@pytest.mark.parametrize("number", [1, "1", 1.0, "1.0", " 1 ", "Sports", [1], "[1]"])
def test_class_numbers_get_their_names(number):
    row = {"text": "a", "label": number}
    assert reader(class_names=CLASSES).example(row).label == "Sports"


@pytest.mark.parametrize("numbers", [[0, 1], "[0, 1]", "0;1", "1.0|0.0", ["World", 1.0]])
def test_several_class_numbers_get_their_names(numbers):
    row = {"text": "a", "label": numbers}
    given = reader(class_names=CLASSES, several=True)
    assert given.example(row).labels == ("Sports", "World")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (2, "class 2 has no name: 2 are given; mend --class-names"),
        (-1, "-1 is no class; give the row a class, or remove it"),
        ("-1", "-1 is no class; give the row a class, or remove it"),
        (True, '"True" is neither a class number nor one of the names; mend --class-names'),
        (0.5, '"0.5" is neither a class number nor one of the names; mend --class-names'),
        ("Sport", '"Sport" is neither a class number nor one of the names; mend --class-names'),
    ],
)
def test_what_is_neither_a_class_number_nor_a_name_is_wrong(label, message):
    for several in (False, True):
        with pytest.raises(Defect) as caught:
            reader(class_names=CLASSES, several=several).example({"text": "a", "label": label})
        assert (caught.value.column, caught.value.what) == ("label", message)


NAMES = ("O", "B-PER", "I-PER", "B-ORG")
TOKENS = {"text": "tokens", "spans": "ner_tags"}


def test_words_with_tags_are_a_text_with_entities():
    row = {"tokens": ["Ida", "Moe", "left", "Acme"], "ner_tags": ["B-PER", "I-PER", "O", "B-ORG"]}
    wanted = {"tokens": "Ida Moe left Acme", "ner_tags": [[0, 7, "PER"], [13, 17, "ORG"]]}
    assert reshape(row, "spans", columns=TOKENS) == (wanted, "")
    for numbers in ([1, 2, 0, 3], [1.0, 2.0, 0.0, 3.0]):
        found = reshape(row | {"ner_tags": numbers}, "spans", columns=TOKENS, class_names=NAMES)
        assert found == (wanted, "")
    _, said = reshape(row | {"ner_tags": [1, 2, -1, True]}, "spans", columns=TOKENS,
                      class_names=NAMES)  # fmt: skip
    assert "row 1, ner_tags: -1 is no class" in said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"tokens": ["a"], "ner_tags": [3]},
            "row 1, ner_tags: 3 is no tag; give the names of the numbers, from 0: --class-names O,",
        ),
        (
            {"tokens": ["a"], "ner_tags": ["PER"]},
            'row 1, ner_tags: "PER" is no tag; write O, or B-',
        ),
        ({"tokens": ["a"], "ner_tags": []}, "row 1, ner_tags: has 0 tags for 1 words"),
        ({"tokens": ["a"], "ner_tags": "O"}, "row 1, ner_tags: is a string; words need a list of"),
        ({"tokens": ["a"]}, "row 1, ner_tags: is null; words need a list of tags"),
        ({"tokens": [None], "ner_tags": ["O"]}, "row 1, tokens: lists null; write a list of str"),
    ],
)
def test_words_that_do_not_fit_their_tags_are_named(row, message):
    found, said = reshape(row, "spans", columns=TOKENS)
    assert found is None and message in said


def test_a_table_of_label_studio_that_a_spreadsheet_saved_is_read_in_its_encoding(tmp_path):
    path = tmp_path / "export.csv"
    path.write_bytes("annotation_id,text,label\n1,Café zu,rude\n2,so,odd\n".encode("windows-1252"))
    rows = [record for _, record in label_studio_flat.table(path, Problems(path))]
    assert [row["text"] for row in rows] == ["Café zu", "so"]
