"""A file that was given to the wrong command is refused with the command that imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from annotations import EXPORTS, lines

from appliance.data.bad_rows import Problems
from appliance.data.choices import Choices
from appliance.data.formats import FORMATS, TOOLS, conll
from appliance.data.formats.looks import LOOKS, looks_like, recognised
from appliance.data.read import table
from appliance.data.read.jsonl import read_jsonl
from appliance.data.read.rows import fixed_task
from appliance.errors import InputError

HASHES = {"_task_hash": 1, "_input_hash": 2}
IMPORT = "import it with: strop task import"


def given(kind: Any = "classify", **more: Any) -> Choices:
    return Choices("x", kind=kind, **more)


@pytest.mark.parametrize(
    ("name", "kind", "command"),
    [
        ("label_studio.json", "classify", "label-studio FILE --kind KIND"),
        ("label_studio_min.json", "spans", "label-studio FILE --kind KIND"),
        ("doccano_entities.jsonl", "spans", "doccano FILE --kind spans"),
        ("doccano_relations.jsonl", "relation", "doccano FILE --kind relation"),
        ("prodigy_choices.jsonl", "classify", "prodigy FILE --kind KIND"),
        ("prodigy_labels.jsonl", "classify", "prodigy FILE --kind KIND"),
    ],
)
def test_json_lines_are_recognised(name, kind, command):
    with pytest.raises(InputError, match=f"looks like .*; {IMPORT} {command}"):
        read_jsonl(EXPORTS / name, given(kind))


def test_a_table_and_a_file_of_words_are_recognised():
    with pytest.raises(InputError, match=f"an export of Label Studio; {IMPORT} label-studio"):
        fixed_task([table.source(EXPORTS / "label_studio.csv", given("spans"))], given("spans"))
    with pytest.raises(InputError, match=f"looks like Label Studio's JSON; {IMPORT} label-studio"):
        fixed_task([table.source(EXPORTS / "label_studio.json", given())], given())
    path = EXPORTS / "doccano_relations.jsonl"
    with pytest.raises(InputError, match=f"looks like doccano's JSON Lines; {IMPORT} doccano"):
        next(conll.rows(path, Problems(path)))


def test_json_that_looks_like_nothing_else_is_json(tmp_path):
    path = lines(tmp_path / "x.conll", {"a": 1})
    with pytest.raises(InputError, match=f"looks like JSON; {IMPORT} jsonl FILE"):
        next(conll.rows(path, Problems(path)))


@pytest.mark.parametrize(
    ("row", "command"),
    [
        ({"token": [], "subj_start": 0, "obj_start": 1}, "tacred FILE"),
        ({"token": [], "h": {}, "t": {}, "relation": ""}, "opennre FILE"),
        ({"version": "v2.0", "data": []}, "squad FILE"),
        ({"text": "a", "labels": [[0, 1, "X"]]}, "doccano FILE --kind spans"),
    ],
)
def test_other_formats_are_recognised_by_their_fields(row, command):
    assert f"{IMPORT} {command}" in (looks_like(row) or "")


def test_words_with_tags_need_options_in_json_lines_and_in_parquet_alike():
    said = looks_like({"tokens": [], "ner_tags": []}) or ""
    assert "words with tags; give --kind spans --column text=tokens --column spans=ner_tags" in said


def test_every_command_that_is_named_exists():
    commands = [how.partition(" ")[0] for _, how in LOOKS.values()]
    assert commands and set(commands) <= {*FORMATS, *TOOLS}


@pytest.mark.parametrize(
    ("row", "more"),
    [
        ({"text": "a", "label": "b", "annotation_id": 1, "annotator": 1}, {}),
        ({"text": "a", "label": ["b"], "id": 1, "Comments": []}, {}),
        ({"text": "a", **HASHES, "answer": "reject"}, {"columns": {"label": "answer"}}),
        ({"text": "a", **HASHES, "answer": "accept"}, {"columns": {"label": "accept"}}),
        ({"words": "a", "tag": "b"}, {}),
        ({"tokens": "['a', 'b']", "ner_tags": "[0 1]"}, {}),
    ],
)
def test_rows_that_can_be_read_or_look_like_nothing_pass(row, more):
    rows = [("row 1", row), ("row 2", {})]
    assert list(recognised(Path("x"), rows, given(**more))) == rows


@pytest.mark.parametrize("answer", ["reject", "ignore"])
@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("classify", {"label": "accept"}),
        ("classify", {"text": "body", "split": "part"}),
        ("answer", {"text": "body"}),
    ],
)
def test_rows_that_prodigy_did_not_accept_are_refused_whatever_else_is_named(kind, columns, answer):
    row = {"text": "a", "body": "a", "accept": ["b"], "label": "b", **HASHES, "answer": "accept"}
    rows = [("row 1", row), ("row 2", row | {"answer": answer})]
    with pytest.raises(InputError, match=f'row 2: .* answer is "{answer}"; {IMPORT} prodigy FILE'):
        list(recognised(Path("x"), rows, given(kind, columns=columns)))


def test_the_column_of_the_split_names_no_column_of_the_text():
    rows = [("row 1", {"text": "a", "label": "b", "part": "dev", **HASHES})]
    with pytest.raises(InputError, match=f"{IMPORT} prodigy FILE"):
        list(recognised(Path("x"), rows, given(columns={"split": "part"})))


def test_an_archive_is_to_be_unpacked(tmp_path):
    path = tmp_path / "export.zip"
    for start in (b"PK\x03\x04", b"\x1f\x8b\x08"):
        path.write_bytes(start + b"\x14\x00")
        with pytest.raises(InputError, match="is an archive; unpack it and name the file in it"):
            read_jsonl(path, given())


@pytest.mark.parametrize("id_of_no_word", ["", "1-2", "0.1"])
def test_conll_u_is_not_read_as_numbers(tmp_path, id_of_no_word):
    path = tmp_path / "x.conllu"
    ids = [id_of_no_word] * bool(id_of_no_word) + ["1", "2"]
    path.write_text("# x = 1\n" + "".join(id + "\tIda" + "\t_" * 7 + "\tNER=B-x\n" for id in ids))
    problems = Problems(path)
    assert not list(conll.rows(path, problems))
    assert problems.found[0].place == "line 2"
    assert "looks like CoNLL-U, whose words are in column 2; give" in problems.found[0].what
