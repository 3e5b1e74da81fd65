"""Of Prodigy's lines those that were accepted are rows; the others are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from annotations import EXPORTS, Read, lines

REJECTED = 'rows left out, whose answer is "reject": 1'
IGNORED = 'rows left out, whose answer is "ignore": 1'


def read(path: Path, kind: Any, **options: Any) -> Read:
    return Read("prodigy", path, kind, **options)


def test_entities_are_read_and_rejected_ones_are_counted():
    found = read(EXPORTS / "prodigy_entities.jsonl", "spans", group="meta.source")
    assert not found.said
    assert found.spans[1] == [("Bo Lind", "PER"), ("Borealis", "ORG")]
    assert found.rows["line 3"]["group"] == "letter 1"
    assert found.spans[-1] == [] and len(found.spans) == 15
    assert {REJECTED, IGNORED} < set(found.notes)


def test_a_question_about_one_entity_is_no_row_since_the_text_may_have_others():
    found = read(EXPORTS / "prodigy_entities.jsonl", "spans")
    assert "Is Oslo one?" not in [row["text"] for row in found.rows.values()]
    what = "rows left out, which ask about one entity and not about the whole text: 1"
    assert what in found.notes


def test_a_question_about_one_label_is_no_row_where_the_text_may_have_others(tmp_path):
    path = lines(
        tmp_path / "x.jsonl",
        {"text": "a", "label": "x", "_is_binary": True},
        {"text": "b", "accept": ["x", "y"]},
    )
    found = read(path, "classify", several=True)
    assert [row["label"] for row in found.rows.values()] == [["x", "y"]]
    what = "rows left out, which ask about one label and not about the whole text: 1"
    assert found.notes == (what,)
    assert [row["label"] for row in read(path, "classify").rows.values()] == ["x", ["x", "y"]]


def test_what_an_annotator_read_for_an_option_is_the_label():
    found = read(EXPORTS / "prodigy_choices.jsonl", "classify")
    labels = [row["label"] for row in found.rows.values()]
    assert labels[:2] == ["praise", "complaint"] and labels[-1] == "complaint"
    assert set(found.notes) == {"texts without a label, which are left out: 1", IGNORED}


def test_a_label_that_was_rejected_is_not_taken_for_another():
    found = read(EXPORTS / "prodigy_labels.jsonl", "classify")
    assert len(found.rows) == 14
    assert set(found.notes) == {REJECTED, IGNORED}


def test_a_relation_goes_from_head_to_child():
    found = read(EXPORTS / "prodigy_relations.jsonl", "relation")
    assert found.pairs[1] == ("Bo Lind", "Borealis", "left")
    row = found.rows["line 2"]
    assert (row["head_type"], row["tail_type"]) == ("PER", "ORG")
    assert set(found.notes) == {"texts without a relation, which are left out: 1", REJECTED}


def test_every_relation_of_a_text_is_a_row(tmp_path):
    ends = {"head_span": {"start": 0, "end": 1}, "child_span": {"start": 2, "end": 3}}
    found = [{**ends, "label": "x"}, {**ends, "label": "y"}]
    rows = read(lines(tmp_path / "x.jsonl", {"text": "a b", "relations": found}), "relation").rows
    assert list(rows) == ["line 1, relation 1", "line 1, relation 2"]


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ([{"id": "A", "text": "One"}, {"id": "B", "text": "Two"}], "One"),
        ([{"id": "A"}, {"id": "B", "text": "Two"}], "A"),
        ([{"id": "A", "text": "Same"}, {"id": "B", "text": "Same"}], "A"),
        ([], "A"),
    ],
)
def test_options_are_called_by_their_ids_where_their_texts_do_not_tell_them_apart(
    tmp_path, options, label
):
    path = lines(tmp_path / "x.jsonl", {"text": "a", "options": options, "accept": ["A"]})
    assert read(path, "classify").rows["line 1"]["label"] == label


@pytest.mark.parametrize(
    ("kind", "record", "message"),
    [
        ("classify", {"spans": []}, 'has no "label"; it has "text", "spans": give another --kind'),
        ("classify", {"accept": [None]}, "accept: [0] is null, not"),
        ("classify", {"label": 3}, "label: is a whole number, not a"),
        ("spans", {"label": "A"}, 'has no "spans"; it has "text", "label": give another --kind'),
        ("spans", {"spans": [{"end": 3}]}, 'spans: [0] has no "start"'),
        ("relation", {"spans": []}, 'has no "relations"; it has "text", "spans": give another'),
        ("relation", {"relations": [{"label": "x"}]}, 'relations: [0] has no "head_span"'),
    ],
)
def test_a_wrong_row_is_named(tmp_path, kind, record, message):
    found = read(lines(tmp_path / "x.jsonl", {"text": "a b"} | record), kind)
    assert not found.rows
    assert f"line 1: {message}" in found.said
