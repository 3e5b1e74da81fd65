"""Exports of other tools, imported by the command that the documents name for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from annotations import EXPORTS, lines
from click.testing import CliRunner, Result

from appliance.cli import strop


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(strop, [str(a) for a in arguments])
    assert "Traceback" not in result.output
    return result


@pytest.mark.parametrize(
    ("command", "file", "options", "rows", "labels"),
    [
        ("label-studio", "label_studio.json", "--kind classify", 14, "complaint praise"),
        ("label-studio", "label_studio.json", "--kind spans", 15, "ORG PER"),
        ("label-studio", "label_studio.json", "--kind relation", 14, "left works_for"),
        ("label-studio", "label_studio_min.json", "--kind spans", 14, "ORG PER"),
        (
            "label-studio",
            "label_studio.csv",
            "--kind classify --several --column label=sentiment",
            14,
            "complaint praise urgent",
        ),
        ("label-studio", "label_studio.tsv", "--kind spans", 14, "ORG PER"),
        ("conll", "label_studio.conll", "", 14, "ORG PER"),
        ("doccano", "doccano_labels.jsonl", "--kind classify", 14, "complaint praise"),
        ("doccano", "doccano_entities.jsonl", "--kind spans", 15, "ORG PER"),
        ("doccano", "doccano_relations.jsonl", "--kind relation", 14, "left works_for"),
        ("doccano", "doccano_texts.jsonl", "--kind answer", 14, ""),
        (
            "csv",
            "doccano_labels.csv",
            "--kind classify --several --label-delimiter #",
            15,
            "complaint praise urgent",
        ),
        ("prodigy", "prodigy_choices.jsonl", "--kind classify", 15, "complaint praise"),
        ("prodigy", "prodigy_labels.jsonl", "--kind classify", 14, "complaint praise"),
        ("prodigy", "prodigy_entities.jsonl", "--kind spans", 15, "ORG PER"),
        ("prodigy", "prodigy_relations.jsonl", "--kind relation", 14, "left works_for"),
    ],
)
def test_an_export_is_imported(
    command: str, file: str, options: str, rows: int, labels: str
) -> None:
    result = run("task", "import", command, EXPORTS / file, *options.split(), "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["schema"] == f"strop/task-import-{command}/1"
    assert (found["rows"], sum(found["cases"].values())) == (rows, rows)
    assert [label["name"] for label in found["labels"]] == labels.split()


TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]


def tagged() -> list[dict[str, Any]]:
    """The texts of the CoNLL export as words with the numbers of their tags."""
    sentences = (EXPORTS / "label_studio.conll").read_text().partition("\n")[2].strip()
    words = [[line.split(" ") for line in each.split("\n")] for each in sentences.split("\n\n")]
    return [
        {"tokens": [word[0] for word in each], "ner_tags": [TAGS.index(word[3]) for word in each]}
        for each in words
    ]


def test_tokens_with_tags_are_read_from_parquet_which_knows_the_names(tmp_path: Path) -> None:
    feature = {"feature": {"names": TAGS, "_type": "ClassLabel"}, "_type": "Sequence"}
    kept = {"info": {"features": {"ner_tags": feature}}}
    metadata = {"huggingface": json.dumps(kept)}
    table = pa.Table.from_pylist(tagged()).replace_schema_metadata(metadata)
    pq.write_table(table, path := tmp_path / "train.parquet")
    given = ("--kind", "spans", "--column", "text=tokens", "--column", "spans=ner_tags")
    result = run("task", "import", "parquet", path, *given, "--json")
    assert [label["name"] for label in json.loads(result.stdout)["labels"]] == ["ORG", "PER"]


def test_numbers_of_tags_need_names_in_json_lines(tmp_path: Path) -> None:
    path = lines(tmp_path / "train.jsonl", *tagged())
    given = ("--kind", "spans", "--column", "text=tokens", "--column", "spans=ner_tags")
    said = run("task", "import", "jsonl", path, *given).stderr
    assert "give the names of the numbers, from 0: --class-names O,B-person,I-person" in said
    names = ("--class-names", ",".join(TAGS))
    result = run("task", "import", "jsonl", path, *given, *names, "--json")
    found = json.loads(result.stdout)
    assert (found["rows"], [label["name"] for label in found["labels"]]) == (14, ["ORG", "PER"])


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_column_a_label_gives_several_labels(tmp_path: Path, form: str) -> None:
    rows = [
        {"body": f"It is {word}.", "rude": i % 2, "odd": i % 3 // 2}
        for i, word in enumerate("abcdefghijklmnopqr")
    ]
    path = tmp_path / f"x.{form}"
    if form == "csv":
        head = ",".join(rows[0])
        path.write_text("\n".join([head, *(",".join(map(str, row.values())) for row in rows)]))
    elif form == "jsonl":
        lines(path, *rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    given = ("--kind", "classify", "--column", "text=body", "--label-columns", "rude, odd")
    result = run("task", "import", form, path, *given, "--several", "--json")
    found = json.loads(result.stdout)
    assert (found["rows"], [label["name"] for label in found["labels"]]) == (18, ["odd", "rude"])
    said = run("task", "import", form, path, *given).stderr
    assert "the columns that say 1 are none; for any number of labels a text give --several" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--kind spans --label-columns a", "--label-columns is for --kind relation or classify"),
        ("--kind answer --class-names a", "--class-names is for --kind relation or classify or"),
        (
            "--kind classify --label-columns a,b --column label=c",
            "--label-columns and --column label=NAME both name the labels",
        ),
        ("--kind classify --label-columns a,,b", "write different names with commas between"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, options: str, message: str
) -> None:
    path = lines(tmp_path / "x.jsonl", {"text": "a"})
    result = run("task", "import", "jsonl", path, *options.split())
    assert result.exit_code == 2 and message in " ".join(result.stderr.split())


def test_what_an_export_leaves_out_is_told() -> None:
    path = EXPORTS / "prodigy_choices.jsonl"
    result = run("task", "import", "prodigy", path, "--kind", "classify")
    assert 'note: rows left out, whose answer is "ignore": 1' in result.stderr
    assert "note: texts under different labels: 1" in result.stderr


def test_where_nothing_is_left_the_message_says_what_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a", "label": "b", "answer": "reject"}\n' * 3)
    result = run("task", "import", "prodigy", path, "--kind", "classify")
    assert result.exit_code == 2
    assert 'rows left out, whose answer is "reject": 3' in result.stderr


def test_overlapping_entities_are_refused_by_row_and_can_be_skipped(tmp_path: Path) -> None:
    found = (EXPORTS / "doccano_entities.jsonl").read_text("utf-8-sig").splitlines()
    record: dict[str, Any] = json.loads(found[0])
    record["label"].append([0, 3, "FIRST"])
    path = tmp_path / "overlapping.jsonl"
    path.write_text("\n".join([json.dumps(record), *found[1:]]))
    given = ("task", "import", "doccano", path, "--kind", "spans")
    said = run(*given).stderr
    assert "line 1, spans: [0, 3] overlaps [0, 7]; keep one of the two, or leave" in said
    skipped = run(*given, "--on-error", "skip")
    assert skipped.exit_code == 0 and "note: wrong rows skipped: 1" in skipped.stderr


def test_a_kind_has_to_be_named() -> None:
    result = run("task", "import", "doccano", EXPORTS / "doccano_labels.jsonl")
    assert result.exit_code == 2
    assert "give the --kind of what is predicted" in result.stderr
