"""What the CSV and TSV importer takes, finds out by itself, and refuses."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.choices import Choices
from appliance.data.read import table
from appliance.data.read.rows import fixed_task
from appliance.errors import InputError
from appliance.task import SPLITS

TOPICS = {"billing": "charged twice", "delivery": "parcel lost", "praise": "lovely service"}


def rows(each: int = 8) -> list[dict[str, str]]:
    return [
        {"text": f"{what}, said customer {'abcdefgh'[i]}", "label": label}
        for label, what in TOPICS.items()
        for i in range(each)
    ]


def written(delimiter: str = ",", header: bool = True, found: Any = None) -> str:
    out = io.StringIO()
    found = rows() if found is None else found
    writer = csv.DictWriter(out, list(found[0]), delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.csv"


def read(path: Path, text: str | bytes, **options: Any) -> Imported:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = ("encoding", "delimiter", "quotes", "header")
    how = {key: options.pop(key) for key in given if key in options}
    choices = Choices("tickets", **{"kind": "classify", **options})
    return fixed_task([table.source(path, choices, **how)], choices)


def refusal(path: Path, text: str | bytes, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(path, text, **options)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_texts_to_classify_become_a_task_with_every_label_in_every_split(file):
    imported = read(file, written())
    assert (imported.task.kind, imported.task.protocol) == ("classify", "fixed")
    assert [label.name for label in imported.task.labels] == sorted(TOPICS)
    assert len(imported.examples) == 24
    assert all(row.head is None and row.tail is None for row in imported.examples)
    for split in SPLITS:
        assert {case.query.label for case in imported.cases[split]} == set(TOPICS)


@pytest.mark.parametrize(
    ("delimiter", "name"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_the_delimiter_is_found_out_and_told(file, delimiter, name):
    imported = read(file, written(delimiter))
    assert list(imported.examples) == list(read(file, written()).examples)
    assert f'divided by {name}; columns: "text", "label"' in imported.notes[0]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1252", "windows-1252")],
)
def test_the_encoding_is_found_out_and_told(file, encoding, name):
    found = rows()
    found[0]["text"] = "Ça coûte 5 € de trop"
    imported = read(file, written(found=found).encode(encoding))
    assert imported.examples[0].text == "Ça coûte 5 € de trop"
    assert imported.notes[0].startswith(f"read as {name}, ")


def test_a_given_encoding_and_delimiter_are_taken_at_their_word(file):
    text = written().replace("billing", "žluť").encode("iso8859-2")
    assert "žluť" in {row.label for row in read(file, text, encoding="iso8859-2").examples}
    for none in ("utf-9", "ANSI", "\udcff", "a\0b"):
        said = refusal(file, text, encoding=none)
        assert "there is no encoding" in said
        assert "try utf-8, or windows-1252 for what Windows calls ANSI" in said
    assert "line 2: byte" in refusal(file, text, encoding="utf-8")
    assert "is not idna" in refusal(file, b"xn--a" * 40, encoding="idna")
    tildes = written("~").replace(",", "")
    assert len(read(file, tildes, delimiter="~").examples) == 24
    assert 'no column "text"' in refusal(file, tildes)


@pytest.mark.parametrize(
    ("written_in", "given"),
    [("utf-8-sig", "utf-8"), ("utf-8-sig", "UTF8"), ("utf-16", "utf-16-le"), ("utf-32", "utf-32")],
)
def test_a_byte_order_mark_is_no_text_where_its_encoding_is_given(file, written_in, given):
    assert len(read(file, written().encode(written_in), encoding=given).examples) == 24


def test_the_mark_of_utf_32_is_not_taken_for_that_of_utf_16(file):
    assert read(file, written().encode("utf-32")).notes[0].startswith("read as utf-32, ")


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\0", b"\xd0\xcf\x11\xe0\xa1\xb1"])
def test_a_workbook_is_refused_with_how_to_save_it(file, start):
    said = refusal(file, start + bytes(range(256)))
    assert "is an Excel workbook or an archive; save it as CSV UTF-8" in said


@pytest.mark.parametrize(
    "text", ['{"text": "a"}\n{"text": "b"}', '[\n {"text": "a"}]', ' [{"a":1}]']
)
def test_json_is_recognised(file, text):
    assert "looks like JSON; import it with: strop task import jsonl FILE" in refusal(file, text)


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n'])
def test_the_line_by_which_excel_names_the_delimiter_is_read_and_passed_over(file, first):
    imported = read(file, first + written(";"))
    assert list(imported.examples) == list(read(file, written()).examples)
    lines = (first + written(";")).splitlines()
    lines[3] += ";more"
    assert "line 4: has 3 fields" in refusal(file, "\n".join(lines))
    assert len(read(file, first + written("|"), delimiter="|").examples) == 24


def test_where_a_comma_divides_as_well_it_is_taken_for_a_decimal_one(file):
    found = [
        {"text": f"{'abcdefgh'[i]} {what} 3,{i}", "label": str(i % 2)}
        for i in range(8)
        for what in TOPICS
    ]
    imported = read(
        file, written(";", False, found), columns={"text": "1", "label": "2"}, header=False
    )
    assert "divided by semicolons" in imported.notes[0]
    assert imported.examples[0].text == "a billing 3,0"


def test_a_header_without_a_row_is_refused(file):
    assert 'has a header and no row: "text", "label"; it needs one row' in refusal(
        file, "text,label\n\n"
    )


def test_without_a_header_columns_are_numbers(file):
    columns = {"text": "1", "label": "2"}
    imported = read(file, written(header=False), header=False, columns=columns)
    assert list(imported.examples) == list(read(file, written()).examples)
    assert "--column text=NAME" in refusal(file, written(header=False))


def test_quoted_fields_hold_delimiters_line_breaks_and_quotation_marks(file):
    found = rows()
    found[0]["text"] = 'He said "no", then,\nthen yes\u2028.'
    imported = read(file, written(found=found))
    assert imported.examples[0].text == found[0]["text"]
    broken = written(found=[*found[:1], {"text": "", "label": "billing"}, *found[1:]])
    assert "line 4, text: is empty" in refusal(file, broken)


def test_a_record_of_another_length_is_named(file):
    lines = written().splitlines()
    lines[3] += ",more"
    said = refusal(file, "\n".join(lines))
    assert "line 4: has 3 fields where there are 2 columns, divided by commas (it begins" in said
    assert said.endswith('"charged twice, said customer c"); quote a field that holds a delimiter')
    assert "divided by tabs" in refusal(file, written("\t").replace("customer c", "a\tb"))


def test_an_open_quotation_mark_is_named_with_its_line(file):
    lines = written().splitlines()
    lines[5] = '"' + lines[5]
    said = refusal(file, "\n".join(lines))
    assert "line 6: cannot be read" in said
    assert "is a quotation mark open, or not doubled? If they are text, give --no-quotes" in said
    imported = read(file, "\n".join(lines).replace(", said", ""), quotes=False)
    assert imported.examples[4].text == '""charged twice customer e"'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("between", [1, 2, 3])
@pytest.mark.parametrize("columns", [["text", "label"], ["label", "text"], ["a", "text", "label"]])
def test_records_that_a_stray_quotation_mark_joins_are_refused(file, delimiter, between, columns):
    """Read by the letter they are one record with as many fields as there are columns."""
    found = [{c: row.get(c, "x") for c in columns} for row in rows()]
    found = [row | {"text": row["text"].replace(", ", " ")} for row in found]
    written_lines = written(delimiter, found=found).splitlines()
    at = columns.index("text")
    for line, mark in ((7, '"{}'), (7 + between, '{}"')):
        cells = written_lines[line].split(delimiter)
        cells[at] = mark.format(cells[at])
        written_lines[line] = delimiter.join(cells)
    said = refusal(file, "\n".join(written_lines))
    assert "line 8: a field holds lines that look like records of their own" in said
    assert "give --no-quotes; if the record is right, give --quotes" in said
    assert len(read(file, "\n".join(written_lines), quotes=True).examples) == 24 - between
    as_text = read(file, "\n".join(written_lines), quotes=False).examples
    assert (len(as_text), as_text[6].text[0]) == (24, '"')


@pytest.mark.parametrize(
    "text",
    ["Dear all,\nthanks", "a, b\nc, d\ne", "1,5\n2", "yes;\nno", "one,two\n\nthree", "a\nb,c\nd"],
)
def test_prose_of_several_lines_is_no_record(file, text):
    found = [{"text": text, "label": "praise"}, *rows()]
    for delimiter in ",;\t|":
        assert read(file, written(delimiter, found=found)).examples[0].text == text


def test_where_fields_are_too_few_or_many_an_open_quotation_mark_is_asked_for(file):
    lines = written("\t").splitlines()
    lines[3] = '"' + lines[3]
    lines[5] += '"'
    said = refusal(file, "\n".join(lines))
    assert "line 4: has 1 field where there are 2 columns, divided by tabs" in said
    assert "is a quotation mark open" in said


def test_two_columns_of_one_name_are_refused(file):
    assert 'two columns are called "label"' in refusal(file, "text,label,label\na,b,c\n")


@pytest.mark.parametrize("empty", ["", "\n\n", ",,\n,,\n"])
def test_an_empty_file_is_refused(file, empty):
    assert "is empty" in refusal(file, empty)


def test_spreadsheet_words_say_what_may_ship(file):
    words = ["TRUE", "yes", "1", "no", "False", "0", "", "true"]
    found = [row | {"may_ship": words[i % 8]} for i, row in enumerate(rows())]
    ships = {row.text: row.may_ship for row in read(file, written(found=found)).examples}
    assert [ships[row["text"]] for row in found[:8]] == [True] * 3 + [False] * 4 + [True]
    by_default = read(file, written(found=found), may_ship=True).examples
    assert {row.text: row.may_ship for row in by_default}[found[6]["text"]]
    found[2]["may_ship"] = "maybe"
    assert "line 4, may_ship: is a string; write true or false" in refusal(
        file, written(found=found)
    )


def test_entities_are_strings_or_spans(file):
    found = [
        {"text": f"{h} set up {t}.", "head": f"[0, {len(h)}]", "tail": t, "label": label}
        for i in range(6)
        for label in ("founder", "owner")
        for h, t in [(f"P{'abcdef'[i]}{label}", f"F{'abcdef'[i]}{label}")]
    ]
    imported = read(file, written(found=found), kind="relation")
    assert imported.examples[0].head_text == "Pafounder"
    assert imported.examples[0].tail_text == "Fafounder"
    without = [{"text": row["text"], "label": row["label"]} for row in found]
    assert "for texts without entities give --kind classify" in refusal(
        file, written(found=without), kind="relation"
    )


def test_lists_are_json_or_divided(file):
    found = [
        {
            "text": f"{name} went home",
            "spans": json.dumps([[0, 3, "person"]]),
            "answer": "No",
            "choices": choices,
        }
        for name in ("Ada", "Bea", "Cyd", "Dan", "Eve", "Fay", "Gus")
        for choices in ('["Yes; all", "No"]', "Yes|No")
    ]
    one = read(file, written(found=found), kind="answer")
    assert {row.choices for row in one.examples} == {("Yes; all", "No"), ("Yes", "No")}
    spans = read(file, written(found=found), kind="spans")
    assert {row.spans for row in spans.examples} == {((0, 3, "person"),)}
    found[0]["spans"] = "[[0, 3,"
    assert "line 2, spans: is a string; write a list" in refusal(
        file, written(found=found), kind="spans"
    )


def test_records_of_another_length_can_be_skipped(file):
    lines = written().splitlines()
    lines[3] += ",more"
    imported = read(file, "\n".join(lines), skip=True)
    assert len(imported.examples) == 23
    assert [row.place for row in imported.skipped] == ["line 4"]


def test_what_cannot_be_read_on_is_refused_also_where_wrong_rows_are_skipped(file):
    lines = written().splitlines()
    lines[5] = '"' + lines[5]
    assert "line 6: cannot be read" in refusal(file, "\n".join(lines), skip=True)


def test_a_byte_that_is_wrong_far_into_a_file_is_named_by_its_line(file):
    text = ("x" * 99 + "\n").encode() * 30_000
    message = refusal(file, text + b"\xff\n", encoding="utf-8")
    assert "line 30001: byte 3000000 is not utf-8; give the file's own with --encoding" in message


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf_16_and_32_without_a_mark_are_refused_with_the_encoding_to_give(file, name):
    text = written().replace("charged", "被收取 charged")
    message = refusal(file, text.encode(name))
    assert (
        f"looks like {name} without a byte order mark; give --encoding {name}, or save" in message
    )
    imported = read(file, text.encode(name), encoding=name)
    assert list(imported.examples) == list(read(file, text).examples)


def test_a_text_with_a_few_zero_bytes_is_not_taken_for_utf_16(file):
    assert len(read(file, written().replace("twice", "tw\0ice")).examples) == 24


def test_a_pipe_is_refused_with_what_to_do(file):
    os.mkfifo(file)
    with pytest.raises(InputError, match="can be read only once, as a pipe; save it as a file"):
        table.source(file, Choices("tickets"))


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)


@given(st.lists(st.tuples(cells, cells), max_size=30), st.sampled_from(",;\t|"))
@settings(max_examples=100, deadline=None)
def test_any_table_is_imported_as_it_stands_or_refused(tmp_path_factory, found, delimiter):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    written_rows = [{"text": text, "label": label} for text, label in found]
    try:
        imported = read(
            path,
            written(delimiter, found=written_rows or rows()),
            delimiter=delimiter,
            encoding="utf-8",
        )
    except InputError:
        return
    assert {(row.text, row.label) for row in imported.examples} <= set(found) | {
        (row["text"], row["label"]) for row in rows()
    }


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused_with_a_message(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    with pytest.raises(InputError):
        read(path, content)


@pytest.mark.parametrize(
    ("text", "headed"),
    [
        ("The pump leaks.;repair\nThe bill is wrong.;finance\n", True),
        ("The pump leaks.;repair\nThe bill is wrong.;finance\nIt leaks.;repair\n", False),
        ("repair;4\nfinance;5\n", False),
        ("repair;12,5 %\nfinance;n\n", True),
        (f"{'The pump leaks, ' * 5};repair\nThe bill is wrong.;finance\n", False),
        (";Sentence;Topic\n0;The pump leaks.;repair\n1;It leaks.;repair\n", True),
    ],
)
def test_whether_the_first_record_is_a_row_is_found_out_and_said(file, text, headed):
    said = refusal(file, text)
    assert ("if the first record is a row already, give --no-header" in said) == headed
    assert ("the first record is read as a row; if it names the columns" in said) != headed


def test_columns_that_are_asked_for_by_their_number_have_no_header(file):
    asked = [
        f"Who wrote {word}?,{word} himself\n"
        for word in ("ode", "epic", "song", "poem", "play", "fable")
    ]
    columns = {"text": "1", "answer": "2"}
    imported = read(file, "".join(asked), kind="answer", columns=columns)
    assert len(imported.examples) == 6 and "no header, columns" in imported.notes[0]


def test_columns_may_be_asked_for_by_their_number_where_there_is_a_header(file):
    asked = ["Question,Reply\n", *(f"Who wrote {word}?,{word}\n" for word in TOPICS)] + [
        f"Who {verb} it for the first time?,Ann\n" for verb in ("saw", "had", "ate")
    ]
    columns = {"text": "1", "answer": "2"}
    imported = read(file, "".join(asked), kind="answer", columns=columns)
    assert len(imported.examples) == 6
    assert 'columns: "Question", "Reply"' in imported.notes[0]
    asked[1] = " ,x\n"
    assert "line 2, Question: is empty" in refusal(
        file, "".join(asked), kind="answer", columns=columns
    )


def test_a_number_among_the_values_is_not_taken_for_the_number_of_a_column(file):
    found = [{"text": row["text"], "label": str(1 + i % 2)} for i, row in enumerate(rows())]
    columns = {"text": "1", "label": "2"}
    assert len(read(file, written(",", False, found), columns=columns).examples) == 24


def test_a_column_without_a_name_has_its_number_for_one(file):
    found = [{"": f"{row['text']}", "label": row["label"]} for row in rows()]
    imported = read(file, written(found=found), columns={"text": "1"})
    assert len(imported.examples) == 24
    assert 'columns: "1", "label"' in imported.notes[0]


def test_a_column_that_is_empty_is_a_column(file):
    found = [row | {"cleared": ""} for row in rows()]
    columns = {"may_ship": "cleared"}
    assert len(read(file, written(found=found), columns=columns).examples) == 24
    said = refusal(file, written(found=found), columns={"may_ship": "clear"})
    assert 'no column "clear" (did you mean "cleared"?)' in said
    assert "--no-header" not in said


def test_a_name_that_is_looked_for_makes_a_header_of_a_record_that_looks_like_a_row(file):
    found = [{"text": "label", "label": "2024"}, *rows()]
    imported = read(
        file, written(header=False, found=found), columns={"text": "label", "label": "2024"}
    )
    assert len(imported.examples) == 24
