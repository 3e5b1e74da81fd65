"""doccano's documents give the rows of the kind that they were labelled for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from annotations import EXPORTS, Read, lines


def read(path: Path, kind: Any, **options: Any) -> Read:
    return Read("doccano", path, kind, **options)


def test_entities_stand_where_they_were_marked():
    found = read(EXPORTS / "doccano_entities.jsonl", "spans", group="source")
    assert not found.said
    assert found.spans[1:3] == [
        [("Bo Lind", "PER"), ("Borealis", "ORG")],
        [("Cleo Wick", "PER"), ("Cirrus", "ORG")],
    ]
    assert found.spans[-1] == []
    assert found.notes == ("texts without an entity, which are kept: 1",)
    assert found.rows["line 3"]["group"] == "letter 1"
    assert "group" not in found.rows["line 15"]


def test_a_text_has_one_label_or_where_that_is_asked_for_several():
    path = EXPORTS / "doccano_labels.jsonl"
    one, several = read(path, "classify"), read(path, "classify", several=True)
    assert [row["label"] for row in one.rows.values()][:2] == ["praise", "complaint"]
    assert one.notes == ("texts without a label, which are left out: 1",)
    assert [row["label"] for row in several.rows.values()][13:] == [["complaint"], []]
    assert several.notes == ("texts without a label, which are kept: 1",)


def test_a_relation_joins_two_entities_by_their_ids():
    path = EXPORTS / "doccano_relations.jsonl"
    assert read(path, "relation").pairs[:2] == [
        ("Ida Moe", "Acme", "works_for"),
        ("Bo Lind", "Borealis", "left"),
    ]
    assert read(path, "spans").spans[0] == [("Ida Moe", "PER"), ("Acme", "ORG")]


def test_what_was_written_for_a_text_is_its_answer():
    row = read(EXPORTS / "doccano_texts.jsonl", "answer").rows["line 1"]
    assert row == {"text": "Ida Moe works for Acme.", "answer": "Ida Moe is with Acme"}


def test_a_label_may_be_a_string_and_the_fields_may_have_other_names(tmp_path):
    path = lines(tmp_path / "x.jsonl", {"body": "a", "labels": ["x", "y"]}, {"text": "b"})
    found = read(path, "classify", text="body")
    assert found.rows == {"line 1": {"text": "a", "label": ["x", "y"]}}
    path = lines(tmp_path / "x.jsonl", {"data": "a", "label": "x"}, {"data": "b", "label": ["x"]})
    assert [row["label"] for row in read(path, "classify").rows.values()] == ["x", "x"]
    path = lines(tmp_path / "x.jsonl", {"text": "a b", "ner": [[0, 1, "x"]], "label": ["y"]})
    assert read(path, "spans", spans="ner").spans == [[("a", "x")]]


def test_slots_and_categories_of_a_text_are_read_from_their_own_fields(tmp_path):
    """doccano's export of intent detection and slot filling has both in one line."""
    both = {"text": "fly to Rome", "cats": ["flight"], "entities": [[7, 11, "CITY"]]}
    path = lines(tmp_path / "x.jsonl", both, {"text": "hi", "cats": ["talk"], "entities": []})
    assert read(path, "spans").spans == [[("Rome", "CITY")], []]
    labels = [row["label"] for row in read(path, "classify").rows.values()]
    assert labels == [["flight"], ["talk"]] or labels == ["flight", "talk"]


ENTITY = {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 1}


@pytest.mark.parametrize(
    ("kind", "record", "message"),
    [
        ("spans", {"label": ["a"]}, '"label" lists labels of the text; give --kind classify'),
        ("spans", {"label": [[0, "1", "PER"]]}, "label: [0][1] is a string, not a whole number"),
        ("spans", {"label": [[0, 1]]}, "label: [0] is not a list of 3"),
        ("spans", {"entities": [{"id": 1}]}, 'entities: [0] has no "label"'),
        ("classify", {"label": [[0, 1, "PER"]]}, '"label" lists entities; give --kind spans'),
        ("classify", {"label": [3]}, "label: [0] is a whole number, not a string"),
        ("classify", {}, 'has no "label"; it has "text": give another --kind, or remove the row'),
        ("relation", {"label": ["a"]}, 'has no "relations"; it has "text", "label": give'),
        (
            "relation",
            {"entities": [ENTITY], "relations": [{"from_id": 1, "to_id": 2, "type": "r"}]},
            'a relation "r" names entity "2", which is not there; remove the relation, or mark',
        ),
    ],
)
def test_a_wrong_document_is_named(tmp_path, kind, record, message):
    found = read(lines(tmp_path / "x.jsonl", {"text": "a b"} | record), kind)
    assert not found.rows
    assert f"line 1: {message}" in found.said
