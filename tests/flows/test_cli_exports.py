"""Exports of other tools, imported by the command that the documents name for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from annotations import EXPORTS
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
    lines = (EXPORTS / "doccano_entities.jsonl").read_text("utf-8-sig").splitlines()
    record: dict[str, Any] = json.loads(lines[0])
    record["label"].append([0, 3, "FIRST"])
    path = tmp_path / "overlapping.jsonl"
    path.write_text("\n".join([json.dumps(record), *lines[1:]]))
    given = ("task", "import", "doccano", path, "--kind", "spans")
    said = run(*given).stderr
    assert "line 1, spans: [0, 3] overlaps [0, 7]; keep one of the two" in said
    skipped = run(*given, "--on-error", "skip")
    assert skipped.exit_code == 0 and "note: wrong rows skipped: 1" in skipped.stderr


def test_a_kind_has_to_be_named() -> None:
    result = run("task", "import", "doccano", EXPORTS / "doccano_labels.jsonl")
    assert result.exit_code == 2
    assert "--kind" in result.stderr and "classify" in result.stderr
