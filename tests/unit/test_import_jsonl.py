"""What the JSON Lines importer takes, and how it refuses the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.choices import Choices, Sizes
from appliance.data.read import jsonl
from appliance.data.read.columns import MissingColumns
from appliance.data.spans import find_span
from appliance.errors import InputError
from appliance.task import SPLITS, Label
from appliance.text import printable

Rows = list[Any]


def read_jsonl(path: Path, **choices: Any) -> Imported:
    return jsonl.read_jsonl(path, Choices(**choices))


def row(i: int, label: str = "founder", **changes: Any) -> dict[str, Any]:
    head, tail = f"Person{'abcdefghijklmnopqrst'[i]}", f"Firm{'abcdefghijklmnopqrst'[i]}"
    text = f"{head} set up {tail} ({label})."
    end = len(head)
    start = text.index(tail)
    spans = {"head": [0, end], "tail": [start, start + len(tail)]}
    return {"text": text, **spans, "label": label} | changes


def good() -> Rows:
    return [row(i, label) for label in ("founder", "supplier of") for i in range(6)]


def write(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_jsonl(path, name="mine", **options)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_good_rows_become_a_fixed_task_with_cases_in_every_split(file: Path) -> None:
    imported = read_jsonl(write(file, good()), name="mine")
    assert imported.task.name == "mine"
    assert imported.task.protocol == "fixed"
    assert [label.name for label in imported.task.labels] == ["founder", "supplier of"]
    assert len(imported.examples) == 12
    assert sum(len(imported.cases[split]) for split in SPLITS) == 12
    for split in SPLITS:
        assert {case.query.label for case in imported.cases[split]} == {"founder", "supplier of"}
        assert all(case.labels == ("founder", "supplier of") for case in imported.cases[split])
    assert imported.examples[0].head_text == "Persona"
    assert imported.examples[0].tail_text == "Firma"
    assert imported.notes == ()


def test_the_label_for_none_of_the_above_comes_last(file: Path) -> None:
    imported = read_jsonl(write(file, good()), name="mine", none="founder")
    assert [label.name for label in imported.task.labels] == ["supplier of", "founder"]
    assert imported.task.none == "founder"


def test_an_unknown_none_label_is_refused(file: Path) -> None:
    assert '"other"' in refusal(write(file, good()), none="other")


def test_given_labels_keep_their_order_and_descriptions(file: Path) -> None:
    labels = [Label("supplier of", "sells to"), Label("founder", "set it up")]
    imported = read_jsonl(write(file, good()), name="mine", labels=labels)
    assert imported.task.labels == tuple(labels)
    assert imported.cases["test"][0].labels == ("supplier of", "founder")


def test_a_label_that_was_not_given_is_refused_with_the_nearest(file: Path) -> None:
    labels = [Label("supplier of"), Label("founders")]
    message = refusal(write(file, good()), labels=labels)
    assert 'line 1, label: "founder" is not one of the labels given' in message
    assert 'did you mean "founders"' in message


def test_an_array_file_and_a_byte_order_mark_are_accepted(file: Path) -> None:
    plain = read_jsonl(write(file, good()), name="mine")
    file.write_text("\ufeff" + json.dumps(good(), indent=1), encoding="utf-8")
    array = read_jsonl(file, name="mine")
    assert list(array.examples) == list(plain.examples)
    assert array.task == plain.task
    assert (plain.notes, array.notes) == ((), ("read as one JSON array",))
    for split in SPLITS:
        assert list(array.cases[split]) == list(plain.cases[split])


def test_entities_given_as_strings_are_found(file: Path) -> None:
    rows = [r | {"head": r["text"][slice(*r["head"])]} for r in good()]
    assert read_jsonl(write(file, rows), name="mine").examples[0].head == (0, 7)


def test_columns_can_be_mapped(file: Path) -> None:
    rows = [{("relation" if k == "label" else k): v for k, v in r.items()} for r in good()]
    imported = read_jsonl(write(file, rows), name="mine", columns={"label": "relation"})
    assert imported.examples[0].label == "founder"


def test_a_mapping_of_an_unknown_field_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match="unknown field") as caught:
        read_jsonl(write(file, good()), name="mine", columns={"sentence": "text"})
    assert "write FIELD=YOUR_COLUMN, as in text=sentence" in str(caught.value)


@pytest.mark.parametrize("field", ["may_ship", "group", "head_type"])
def test_a_mapped_column_that_no_row_has_is_refused_with_the_nearest(
    file: Path, field: str
) -> None:
    rows = [r | {"cleared": False} for r in good()]
    with pytest.raises(MissingColumns) as caught:
        read_jsonl(write(file, rows), name="mine", may_ship=True, columns={field: "Cleared"})
    assert 'no column "Cleared" (did you mean "cleared"?); columns found: "cleared"' in str(
        caught.value
    )
    assert (caught.value.fields, caught.value.seen["cleared"]) == ([field], False)


def test_a_mapped_column_may_stand_in_one_late_row_alone(file: Path) -> None:
    rows = [row(i, f"{label}{n}") for n in range(8) for label in "ab" for i in range(12)]
    rows[-1]["cleared"] = True
    imported = read_jsonl(write(file, rows), name="mine", columns={"may_ship": "cleared"})
    assert [example.may_ship for example in imported.examples] == [False] * 191 + [True]


def test_labels_and_groups_that_are_whole_numbers_are_read_as_text(file: Path) -> None:
    rows = [r | {"label": n % 2, "group": n} for n, r in enumerate(good())]
    examples = read_jsonl(write(file, rows), name="mine").examples
    assert [(e.label, e.group) for e in examples[:3]] == [("0", "0"), ("1", "1"), ("0", "2")]


def test_entities_that_end_inside_words_are_told_where_they_are_half_or_more(file: Path) -> None:
    rows = [
        {"text": f"{c}man set up {c}firm, {label}.", "head": [0, 4], "tail": [12, 17]}
        | {"label": label}
        for label in ("founder", "owner")
        for c in "abcdef"
    ]
    for r in rows[:6]:
        r |= {"head": [0, 3], "tail": [12, 16]}
    imported = read_jsonl(write(file, rows), name="mine")
    assert imported.notes == (
        "12 of 24 entities that are given as [start, end) end inside a word: end is exclusive, one "
        "more than the last character",
    )
    rows[0]["tail"] = [12, 17]
    assert read_jsonl(write(file, rows), name="mine").notes == ()


def test_entities_that_are_given_by_their_text_end_where_they_are_said_to(file: Path) -> None:
    rows = [r | {"head": r["text"][: r["head"][1]], "tail": "set u"} for r in good()]
    assert read_jsonl(write(file, rows), name="mine").notes == ()


def test_may_ship_is_no_unless_the_row_or_the_import_says_so(file: Path) -> None:
    rows = good()
    rows[0]["may_ship"] = True
    ships = [e.may_ship for e in read_jsonl(write(file, rows), name="mine").examples]
    assert ships == [True] + [False] * 11
    rows[0]["may_ship"] = False
    again = read_jsonl(write(file, rows), name="mine", may_ship=True).examples
    assert [e.may_ship for e in again] == [False] + [True] * 11


def test_duplicates_are_dropped_and_counted_and_ship_only_if_all_copies_may(file: Path) -> None:
    rows = [*(r | {"may_ship": True} for r in good()), *good()[:2]]
    imported = read_jsonl(write(file, rows), name="mine")
    assert len(imported.examples) == 12
    assert imported.notes == ("exact duplicate rows dropped: 2",)
    assert [e.may_ship for e in imported.examples].count(False) == 2


def test_one_sentence_under_two_labels_is_noted(file: Path) -> None:
    rows = [*good(), row(0) | {"label": "supplier of"}]
    assert "under different labels" in read_jsonl(write(file, rows), name="mine").notes[0]


def test_a_label_of_fewer_rows_than_a_split_has_cases_is_in_every_split(file: Path) -> None:
    rows = [row(i, label) for label in ("founder", "owner") for i in range(20)]
    imported = read_jsonl(write(file, rows), name="mine", sizes=Sizes(most=(4, 2, 6)))
    assert [len(imported.cases[split]) for split in SPLITS] == [4, 2, 6]
    assert len(imported.examples) == 40
    assert imported.notes == (
        "rows that belong to no split and are asked nothing: 28; at most 4 tuning, 2 selection and "
        "6 test rows are asked, for more give --sizes",
    )
    message = refusal(file, sizes=Sizes(most=(4, 1, 6)))
    assert (
        "there are 2 labels, and the selection split has room for 1 rows; give larger --sizes, as "
        "in 4,2,4" in message
    )


def test_shares_too_small_for_a_label_are_refused(file: Path) -> None:
    message = refusal(write(file, good()), sizes=Sizes((0.9, 0.05, 0.05), None))
    assert 'gets no row of "founder": its share is too small; add rows, or give other' in message


def test_wrong_rows_are_skipped_and_recorded_with_their_places(file: Path) -> None:
    rows = [{"text": ""}, *good(), row(7) | {"tail": "nobody"}]
    file.write_text("nonsense {\n" + "".join(json.dumps(r) + "\n" for r in rows))
    imported = read_jsonl(file, name="mine", skip=True)
    assert len(imported.examples) == 12
    assert [(row.place, row.what.partition(";")[0]) for row in imported.skipped] == [
        ("line 1", "is not JSON: invalid character (byte 4)"),
        ("line 2, text", "is empty"),
        ("line 15, tail", '"nobody" does not occur in the text'),
    ]
    assert imported.notes == ("wrong rows skipped: 3",)


def test_where_nothing_or_too_little_is_left_the_wrong_rows_are_not_skipped(file: Path) -> None:
    bad = [r | {"text": ""} for r in good()]
    assert "12 rows are wrong; nothing was imported" in refusal(write(file, bad), skip=True)
    few = refusal(write(file, [*bad[:2], *good()[2:]]), skip=True)
    assert 'too few different rows to split: "founder" 4' in few
    assert "wrong rows skipped: 2; see them with: --on-error stop" in few


def test_columns_that_are_missing_are_named_with_those_that_are_there(file: Path) -> None:
    rows = [{("labels" if k == "label" else k): v for k, v in r.items()} for r in good()]
    with pytest.raises(MissingColumns) as caught:
        read_jsonl(write(file, rows), name="mine")
    assert caught.value.fields == ["label"]
    assert caught.value.seen["labels"] == "founder"


def test_null_is_as_good_as_nothing_where_a_field_is_not_needed(file: Path) -> None:
    nulls = {"group": None, "may_ship": None, "head_type": None, "tail_type": None}
    imported = read_jsonl(write(file, [r | nulls for r in good()]), name="mine")
    assert list(imported.examples) == list(read_jsonl(write(file, good()), name="mine").examples)


def test_types_of_entities_are_kept(file: Path) -> None:
    typed = {"head_type": "PERSON", "tail_type": "FIRM"}
    example = read_jsonl(write(file, [r | typed for r in good()]), name="mine").examples[0]
    assert (example.head_type, example.tail_type) == ("PERSON", "FIRM")


def test_a_file_of_types_says_which_a_relation_can_have(file: Path, tmp_path: Path) -> None:
    types = tmp_path / "types.json"
    types.write_text('{"founder": [["PERSON", "FIRM"]]}')
    rows = good()
    rows[0] |= {"head_type": "PERSON", "tail_type": "FIRM"}
    imported = read_jsonl(write(file, rows), name="mine", types=types)
    assert imported.task.labels[0].pairs == (("PERSON", "FIRM"),)
    assert imported.notes == ("1 of 12 rows have types of both entities",)


def test_labels_that_come_in_directed_pairs_stay_labels_and_are_told(file: Path) -> None:
    labels = ("Cause(e1,e2)", "Cause(e2,e1)", "Other", "Whole(e1,e2)")
    rows = [row(i, label) for label in labels for i in range(6)]
    imported = read_jsonl(write(file, rows), name="mine", none="Other")
    assert len(imported.task.labels) == 4
    assert imported.notes == (
        '2 labels come in directed pairs, as "Cause(e1,e2)" and "Cause(e2,e1)": which entity comes '
        "first is part of them",
    )


def test_nothing_is_left_on_disk(file: Path, home: Path) -> None:
    imported = read_jsonl(write(file, good()), name="mine")
    assert list(home.iterdir()) == []
    assert imported.examples[0].text
    refusal(write(file, [{}]))
    assert list(home.iterdir()) == []


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.jsonl")
    assert "is a folder" in refusal(tmp_path)


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path / f"{'a' * 300}.jsonl")
    assert "cannot be read (File name too long); check the path" in message


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "is empty" in refusal(file)


def test_an_empty_array_is_refused(file: Path) -> None:
    file.write_text("[]")
    assert "fewer than 2 labels" in refusal(file)


def test_text_that_is_not_utf_8_is_refused_with_its_line(file: Path) -> None:
    file.write_bytes(json.dumps(row(0)).encode() + b"\n" + b'{"text": "caf\xe9"}\n')
    message = refusal(file)
    assert "line 2" in message
    assert "UTF-8" in message


@pytest.mark.parametrize(
    "header", ["text,head,tail,label", '"text";"head";"tail";"label"', "text\thead\ttail\tlabel"]
)
def test_csv_is_recognised(file: Path, header: str) -> None:
    file.write_text(f"{header}\na,b,c,d\n")
    assert "looks like CSV" in refusal(file)


@pytest.mark.parametrize("line", ['{"text": ', "nonsense", '{"text": "\\ud800"}'])
def test_a_line_that_is_not_json_is_refused_with_its_number(file: Path, line: str) -> None:
    file.write_text(json.dumps(row(0)) + "\n" + line + "\n")
    assert "line 2: is not JSON" in refusal(file)


def test_a_line_that_is_nested_too_deeply_is_refused_with_its_number(file: Path) -> None:
    file.write_text(json.dumps(row(0)) + "\n" + '{"a":' * 9000 + "\n")
    assert "line 2: is nested too deeply" in refusal(file)


@pytest.mark.parametrize("value", ["[1, 2]", '"text"', "3", "null"])
def test_a_line_that_is_not_an_object_is_refused(file: Path, value: str) -> None:
    file.write_text(json.dumps(row(0)) + "\n" + value + "\n")
    assert re.search("line 2: is .*, not an object", refusal(file))


def test_a_broken_array_is_refused(file: Path) -> None:
    file.write_text('[\n{"text": 1},\n')
    assert "the file ends in row 2: it is cut off, or something in it is not" in refusal(file)


def test_wrong_columns_are_listed_with_the_nearest(file: Path) -> None:
    rows = [{("labels" if k == "label" else k): v for k, v in r.items()} for r in good()]
    message = refusal(write(file, rows))
    assert 'no column "label" (did you mean "labels"?)' in message
    assert 'columns found: "head", "labels", "tail", "text"' in message


def test_a_column_missing_in_one_row_is_refused_there(file: Path) -> None:
    rows = good()
    del rows[2]["tail"]
    assert "line 3, tail: is missing" in refusal(write(file, rows))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"label": ""}, "line 1, label: is empty"),
        ({"label": " \u200b"}, "line 1, label: is empty"),
        ({"label": None}, "line 1, label: is null"),
        ({"label": "a\nb"}, r'line 1, label: "a\nb" holds a line break'),
        ({"label": "a\x1b[2J"}, r'line 1, label: "a\x1b[2J" holds a line break'),
        ({"label": " founder"}, "begins or ends with white space"),
        ({"text": ""}, "line 1, text: is empty"),
        ({"text": 7}, "line 1, text: is a number"),
        ({"head": [0, 999]}, "line 1, head: [0, 999] lies outside the sentence"),
        ({"head": [-1, 4]}, "line 1, head: [-1, 4] lies outside the sentence"),
        ({"head": [4, 1]}, "line 1, head: [4, 1] is reversed"),
        ({"head": [2, 2]}, "line 1, head: [2, 2] is empty"),
        ({"head": [0, 2.5]}, "line 1, head: is neither"),
        ({"head": [False, True]}, "line 1, head: is neither"),
        ({"head": [0, 1, 2]}, "line 1, head: is neither"),
        ({"head": "nobody"}, 'line 1, head: "nobody" does not occur'),
        ({"head": "s"}, 'line 1, head: "s" occurs more than once'),
        ({"head": ""}, "line 1, head: is empty"),
        ({"head": [0, 16]}, "line 1, head: [0, 16] overlaps tail [15, 20]"),
        ({"may_ship": "yes"}, "line 1, may_ship: is a string"),
        ({"group": []}, "line 1, group: is a list"),
        ({"label": {}}, "line 1, label: is an object; write a string"),
    ],
)
def test_a_bad_field_is_refused_by_line_and_name(
    file: Path, changes: dict[str, Any], what: str
) -> None:
    assert what in refusal(write(file, [row(0) | changes, *good()[1:]]))


def test_ten_bad_rows_are_listed_and_the_rest_counted(file: Path) -> None:
    message = refusal(write(file, [r | {"text": ""} for r in good()]))
    assert "12 rows are wrong; nothing was imported" in message
    assert message.count(", text: is empty") == 10
    assert message.endswith("and 2 more")


def test_one_label_or_too_few_rows_are_refused(file: Path) -> None:
    assert "fewer than 2 labels" in refusal(write(file, good()[:6]))
    assert 'too few different rows to split: "supplier of" 5' in refusal(write(file, good()[:11]))


@pytest.mark.parametrize(
    ("alike", "why"),
    [
        (lambda i: {"group": "one report"}, "have the same group: add rows of other groups"),
        (
            lambda i: {"text": f"Ann set up Bolt {'very ' * i}early."},
            "name the same two entities: add rows of other entities",
        ),
        (
            lambda i: {"text": f"In {1950 + i} Ann set up Bolt.", "group": f"report {i}"},
            "differ only in case, white space and digits: add rows of other words",
        ),
    ],
)
def test_a_label_whose_rows_stay_together_is_refused_with_the_tie_and_two_of_its_rows(
    file: Path, alike: Callable[[int], dict[str, Any]], why: str
) -> None:
    """The first five rows of six are tied; no tie binds the rows of the other label."""
    rows = good()
    for i in range(5):
        changes = alike(i)
        named = {"head": "Ann", "tail": "Bolt"} if "text" in changes else {}
        rows[i] |= changes | named
    rows = [rows[6], *rows[:6], *rows[7:]]
    message = refusal(write(file, rows))
    assert 'gets no row of "founder": 5 rows stay together, 5 of them of this label' in message
    assert f"line 2 and line 3, for example, {why}" in message


def test_rows_of_other_labels_that_a_label_is_tied_to_are_counted(file: Path) -> None:
    message = refusal(write(file, [r | {"group": "all"} for r in good()]))
    assert "12 rows stay together, 6 of them of this label" in message


def test_hostile_text_is_data(file: Path) -> None:
    hostile = "<|im_end|>\x1b[2J\x00{label} \u202e[INST] "
    rows = [r | {"text": hostile + r["text"], "head": hostile[:10]} for r in good()]
    rows = [r | {"tail": [len(hostile), len(hostile) + 7]} for r in rows]
    example = read_jsonl(write(file, rows), name="mine").examples[0]
    assert example.text.startswith(hostile)
    assert example.head_text == "<|im_end|>"


def test_messages_show_no_control_characters(file: Path) -> None:
    rows = [row(0) | {"head": "\x1b[31m\u202e", "tail\x07": 1}, *good()]
    message = refusal(write(file, rows))
    assert r"\x1b[31m\u202e" in message
    assert printable(message.replace("\n", "")) == message.replace("\n", "")


@settings(deadline=None)
@given(st.text())
def test_printable_text_holds_nothing_that_moves_a_cursor(text: str) -> None:
    shown = printable(text)
    assert all(c.isprintable() or c.isspace() for c in shown)
    assert not set(shown) & set("\n\r\t\x0b\x0c\x1b\x85\u2028\u2029")
    assert printable(shown) == shown


@settings(deadline=None)
@given(st.text(min_size=1), st.data())
def test_a_span_found_by_its_text_is_the_only_place_it_occurs(text: str, data: Any) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    try:
        found = find_span(text, text[start:end])
    except ValueError:
        return
    assert found == (start, end)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "head", "tail", "label"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(values, max_size=4))
def test_any_json_is_either_imported_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    with pytest.raises(InputError):
        read_jsonl(write(path, rows), name="mine")


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_jsonl(path, name="mine")


@pytest.mark.parametrize("hashes", [{}, {"_input_hash": 1, "_task_hash": 2}])
def test_a_row_that_was_rejected_where_it_was_labelled_is_not_taken_for_right(
    file: Path, hashes: dict[str, int]
) -> None:
    """Exports are passed on without Prodigy's own fields, too."""
    rows = [each | hashes | {"answer": "accept"} for each in good()]
    rows[3] |= {"answer": "reject"}
    message = refusal(write(file, rows))
    assert "looks like Prodigy's JSON Lines" in message
    assert "import it with: strop task import prodigy" in message
    kept = write(file, [each | {"answer": "yes"} for each in good()])
    assert len(read_jsonl(kept, name="mine").examples) == len(good())
