"""Label Studio's exports give the same rows in each of its formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from annotations import EXPORTS, Read
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InputError

JSON, MIN = EXPORTS / "label_studio.json", EXPORTS / "label_studio_min.json"
EMOJI = "\U0001f600 Bo Lind has left Borealis."


def read(path: Path, kind: Any, **options: Any) -> Read:
    return Read("label-studio", path, kind, **options)


def export(folder: Path, *results: Any, text: Any = "Ida Moe left Acme.", **more: Any) -> Path:
    """A file with one task, annotated once."""
    path = folder / "export.json"
    task = {"id": 1, "data": {"text": text}, "annotations": [{"result": list(results)} | more]}
    path.write_text(json.dumps([task]))
    return path


def region(start: int, end: int, *labels: str, id: str = "a", **value: Any) -> dict[str, Any]:
    value |= {"start": start, "end": end, "labels": list(labels)}
    return {"id": id, "type": "labels", "from_name": "label", "to_name": "text", "value": value}


def choice(*choices: str, control: str = "topic", **value: Any) -> dict[str, Any]:
    value |= {"choices": list(choices)}
    return {"id": "c", "type": "choices", "from_name": control, "to_name": "text", "value": value}


def relation(**more: Any) -> dict[str, Any]:
    found = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    return found | {"labels": ["left"]} | more


ENDS = (region(0, 7, "PER", text="Ida Moe"), region(13, 17, "ORG", id="b", text="Acme"))


def test_entities_stand_where_they_were_marked_after_an_emoji_and_a_line_break_too():
    found = read(JSON, "spans")
    assert not found.said
    assert found.spans[:3] == [
        [("Ida Moe", "PER"), ("Acme", "ORG")],
        [("Bo Lind", "PER"), ("Borealis", "ORG")],
        [("Cleo Wick", "PER"), ("Cirrus", "ORG")],
    ]
    assert found.rows["row 2"]["text"] == EMOJI
    assert "texts whose offsets count UTF-16 units, and were converted: 1" in found.notes


def test_every_flat_export_has_the_entities_of_the_json():
    full = read(JSON, "spans", group="source")
    wanted = [spans for place, spans in zip(full.rows, full.spans, strict=True)
              if "annotation 2" not in place][:14]  # fmt: skip
    wanted[9] = []  # The record without the field.
    for name in ("label_studio_min.json", "label_studio.csv", "label_studio.tsv"):
        flat = read(EXPORTS / name, "spans", group="source")
        assert (flat.said, flat.spans) == ("", wanted)
        assert [row["group"] for row in flat.rows.values()][:3] == ["letter 0"] * 2 + ["letter 1"]


def test_the_labels_of_a_text_are_its_choices():
    found = read(JSON, "classify")
    assert [row["label"] for row in found.rows.values()][:3] == ["praise", "complaint", "praise"]
    assert "texts without a label, which are left out: 1" in found.notes
    flat = read(MIN, "classify", several=True, label="sentiment")
    labels = [row["label"] for row in flat.rows.values()]
    assert labels[:2] == [["praise"], ["complaint"]] and labels[8] == ["praise", "urgent"]


def test_a_relation_goes_where_its_arrow_points():
    found = read(JSON, "relation")
    assert found.pairs[0] == ("Ida Moe", "Acme", "works_for")
    # The arrow of this one is drawn from the firm to the person and points left.
    assert ("Finn Aas", "Fjord Line", "left") in found.pairs
    row = (
        found.rows["row 1, relation 1"]
        if "row 1, relation 1" in found.rows
        else found.rows["row 1"]
    )
    assert (row["head_type"], row["tail_type"]) == ("PER", "ORG")


def test_what_is_left_out_is_counted():
    assert set(read(JSON, "spans").notes) == {
        "results of type relation, which are left out: 15",
        "results of type choices, which are left out: 15",
        "results of type rating, which are left out: 15",
        "texts whose offsets count UTF-16 units, and were converted: 1",
        "second or further annotations of a text, each of them a row: 1",
        "cancelled annotations, which are left out: 1",
        "texts without an entity, which are kept: 1",
        "tasks without an annotation, which are left out: 1",
    }


@given(st.data())
def test_offsets_are_right_in_either_unit(tmp_path_factory, data):
    text = data.draw(st.text("ab \n\U0001f600é", min_size=1, max_size=12))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    turned = data.draw(st.booleans())
    at = [len(text[:x].encode("utf-16-le")) // 2 if turned else x for x in (start, end)]
    path = export(tmp_path_factory.mktemp("ls"), region(*at, "A", text=text[start:end]), text=text)
    ((found,),) = read(path, "spans").spans
    assert "".join(found[0].split()) == "".join(text[start:end].split())


@pytest.mark.parametrize(
    ("kind", "results", "message"),
    [
        ("spans", [region(0, 7, "PER", text="Moe")], 'row 1: [0, 7] is "Ida Moe" in the text, not'),
        ("spans", [region(0, 7)], "row 1: the region [0, 7] has no label; label it, or remove it"),
        ("spans", [region(0, "7", "PER")], "row 1: a region: end is a string, not a whole number"),  # type: ignore[arg-type]
        ("relation", [*ENDS, relation(to_id="z")], 'row 1: a relation "left" names entity "z"'),
        ("relation", [*ENDS, relation(labels=[])], "row 1: a relation has no label; label it, or"),
        ("relation", [*ENDS, relation(direction="bi")], "row 1: a relation points both ways"),
        ("classify", [choice()], ""),
        ("classify", [{"value": {}}], 'row 1: annotations[0].result[0] has no "type"'),
    ],
)
def test_a_wrong_annotation_is_named(tmp_path, kind, results, message):
    found = read(export(tmp_path, *results), kind)
    assert message in found.said and bool(message) == bool(found.said)
    assert not found.rows


def test_a_region_with_two_labels_is_two_entities_that_overlap(tmp_path):
    found = read(export(tmp_path, region(0, 7, "PER", "HERO")), "spans")
    assert found.spans == [[("Ida Moe", "PER"), ("Ida Moe", "HERO")]]


def test_choices_for_a_part_of_a_text_are_not_its_labels(tmp_path):
    found = read(export(tmp_path, choice("a"), choice("b", start=0, end=3)), "classify")
    assert [row["label"] for row in found.rows.values()] == ["a"]
    assert "choices for a part of a text, which are left out: 1" in found.notes


def test_choices_of_two_controls_are_not_mixed(tmp_path):
    path = export(tmp_path, choice("a", control="topic"), choice("b", control="mood"))
    with pytest.raises(InputError, match='has choices of "topic" and of "mood"; name the'):
        read(path, "classify")
    assert read(path, "classify", label="mood").rows["row 1"]["label"] == "b"
    with pytest.raises(InputError, match='has no label of "tone", but of "topic", "mood"'):
        read(path, "classify", label="tone")


def test_results_of_two_texts_are_not_mixed(tmp_path):
    path = export(tmp_path, ENDS[0], ENDS[1] | {"to_name": "other"})
    with pytest.raises(InputError, match='has labels of "text" and of "other"; name the control'):
        read(path, "spans")


def test_the_type_of_an_entity_is_kept_where_more_is_said_of_its_region(tmp_path):
    more = choice("sure", start=0, end=7) | {"id": "a"}
    found = read(export(tmp_path, *ENDS, more, relation()), "relation")
    assert found.rows["row 1"]["head_type"] == "PER"


@pytest.mark.parametrize("labelled", [True, False])
def test_a_note_on_a_region_is_not_taken_for_its_text(tmp_path, labelled):
    note = {"id": "a", "type": "textarea", "value": {"start": 0, "end": 7, "text": ["a note"]}}
    other = note | {"id": "z", "value": {"start": 0, "end": None, "text": ["another"]}}
    found = read(export(tmp_path, *ENDS[not labelled :], note, other, relation()), "relation")
    assert (found.said, found.pairs) == ("", [("Ida Moe", "Acme", "left")])


@pytest.mark.parametrize("field", ["id", "data"])
def test_a_field_of_the_data_goes_before_what_label_studio_calls_so(tmp_path, field):
    path = export(tmp_path, *ENDS)
    (task,) = json.loads(path.read_text())
    task["data"][field] = "letter 7"
    path.write_text(json.dumps([task]))
    assert read(path, "spans", group=field).rows["row 1"]["group"] == "letter 7"


def test_the_text_may_have_another_name(tmp_path):
    path = export(tmp_path, *ENDS)
    path.write_text(path.read_text().replace('"text": "Ida Moe left', '"body": "Ida Moe left'))
    said = read(path, "spans").said
    assert 'row 1: has no "text"; it has "body", "data", "id": name the text with --column' in said
    for name in ("body", "data.body"):
        assert read(path, "spans", text=name).spans == [[("Ida Moe", "PER"), ("Acme", "ORG")]]


def test_a_column_for_the_group_that_no_task_has_is_refused():
    with pytest.raises(InputError, match='has no "sorce" in any row: give another --column group='):
        read(JSON, "spans", group="sorce")


def test_an_export_without_relations_says_which_has_them():
    with pytest.raises(InputError, match="has no relations, which only the JSON of Label Studio"):
        read(MIN, "relation")


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        ("classify", {}, 'has no choices in field "label"; it has "text", .*--column label=NAME'),
        ("spans", {"spans": "ner"}, 'has no field "ner"; it has "text", .*--column spans=NAME'),
        ("spans", {"head": "x"}, 'unknown field "head"; known: text, spans, group'),
    ],
)
def test_a_field_that_was_not_marked_is_named(kind, columns, message):
    with pytest.raises(InputError, match=message):
        read(MIN, kind, **columns)


def test_a_choice_in_square_brackets_is_a_label(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("annotation_id,text,label\n1,a b,[urgent]\n")
    assert read(path, "classify").rows["line 2"]["label"] == "[urgent]"


def test_an_empty_list_of_choices_is_no_label(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("annotation_id,text,label\n1,a b,[]\n2,c d,[ ]\n3,e f,urgent\n")
    rows = read(path, "classify", several=True).rows.values()
    assert [row["label"] for row in rows] == [[], [], ["urgent"]]


def test_what_no_relation_is_made_of_is_counted(tmp_path):
    found = read(export(tmp_path, *ENDS, relation(), choice("a")), "relation")
    assert found.pairs == [("Ida Moe", "Acme", "left")]
    assert found.notes == ("results of type choices, which are left out: 1",)


def test_a_record_of_a_table_that_lacks_fields_is_named(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text('annotation_id,text,label\n1,a b,"[{"\n2,c\n3,d,"[{""labels"": []}]"\n')
    said = read(path, "spans").said
    assert 'line 2: label: is not JSON ("[{")' in said
    assert "line 3: has 2 fields where there are 3 columns; export the file" in said
