"""Entities written as JSON or tags, read back, and counted."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.prompts.entities import tag_of, write_json, write_tags
from appliance.scoring.entities import counts, read_json, read_tags

TYPES = ("person", "Work of Art", "C+", "C-", "3D", "组织", 'a"b\\c', "R&D/</x>")
TEXT = "Ada Park and Ada met Bo in Norvik."
HOSTILE = [
    *(
        "Ada",
        "<person>",
        "</person>",
        "<_3d>",
        "<3",
        "<\\",
        "</",
        "<",
        ">",
        "\\",
        '"',
        '\\"',
        "{",
        "}",
    ),
    *(" ", "\n", "\r\n", "\u2028", "\0", "\x1b[2J", "<|im_start|>", "e\u0301", "日本", "𝒜", "👩‍🚀"),
]
texts = st.text() | st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join)


@st.composite
def marked(draw, apart=True):
    """A text and marks on it, apart from each other or not."""
    text = draw(texts.filter(bool))
    places = st.lists(st.integers(0, len(text)), max_size=10)
    if apart:
        at = sorted(draw(places))
        spans = [*zip(at[::2], at[1::2], strict=False)]
    else:
        spans = [*pairwise(draw(places))]
    kinds = st.sampled_from(TYPES)
    return text, tuple(sorted({(a, b, draw(kinds)) for a, b in spans if a < b}))


@given(marked())
@example(("<person>", ((0, 4, "person"),)))
@example((" a\nb", ((0, 4, "C+"),)))
@example(("<<_3d>", ((1, 6, "3D"),)))
def test_tags_are_read_back_where_they_were_written(row):
    text, marks = row
    written = write_tags(marks, text)
    assert "\n" not in written
    assert read_tags(written, text, TYPES) == marks
    assert counts(marks, marks, text) == (len(marks), 0, 0)


@given(marked(apart=False))
def test_a_list_is_read_back_with_the_same_words_and_types(row):
    text, marks = row
    written = write_json(marks, text)
    assert "\n" not in written and len(json.loads(written)) == len(marks)
    found = read_json(written, text, TYPES)
    assert counts(marks, found, text) == (len(marks), 0, 0)
    assert len(set(found)) == len(marks)


@given(st.lists(st.sampled_from(TYPES), min_size=1, max_size=8), st.integers(1, 3))
def test_a_list_is_read_back_in_place_where_every_mention_is_listed(kinds, each):
    text = "Ada " * len(kinds)
    marks = tuple((4 * i, 4 * i + each, kind) for i, kind in enumerate(kinds))
    assert read_json(write_json(marks, text), text, TYPES) == marks


@given(marked(), st.integers(0, 200))
def test_what_is_cut_off_still_yields_what_was_complete(row, length):
    text, marks = row
    found = read_json(write_json(marks, text)[:length], text, TYPES)
    assert counts(marks, found, text)[1] == 0
    assert set(read_tags(write_tags(marks, text)[:length], text, TYPES)) <= set(marks)


@given(texts | st.text('{}[]",:\\<>/ typeextprsonAda'), texts)
@example('{"a":' * 3000, "a")
@example('{"type": 1' + "1" * 5000 + "}", "a")
@example('{"type": "person", "text": "\\ud800"}', "a")
@example('[{"type": ["person"], "text": "a"}]', "a")
@example("</person><person>a<C+></person>", "a")
def test_any_text_is_read_as_entities_of_the_text(written, text):
    for read in (read_json, read_tags):
        found = read(written, text, TYPES)
        assert list(found) == sorted(set(found))
        assert all(0 <= a < b <= len(text) and kind in TYPES for a, b, kind in found)


def test_entities_are_written_on_one_line_in_the_order_of_the_text():
    text = 'Ada "Bo"\nmet <b>Cy</b> & 组织 <3.'
    marks = ((25, 27, "组织"), (0, 8, "person"), (16, 18, "Work of Art"))
    assert write_json(marks, text) == (
        '[{"type": "person", "text": "Ada \\"Bo\\""}, {"type": "Work of Art", "text": "Cy"}, '
        '{"type": "组织", "text": "组织"}]'
    )
    assert write_tags(marks, text) == (
        '<person>Ada "Bo"</person> met <\\b><work_of_art>Cy</work_of_art><\\/b> & '
        "<组织>组织</组织> <3."
    )
    assert write_json((), text) == "[]"


def test_of_overlapping_entities_tags_show_the_first_and_lists_all():
    marks = ((0, 3, "person"), (0, 8, "person"), (4, 12, "C+"), (13, 16, "person"))
    tagged = "<person>Ada Park</person> and <person>Ada</person> met Bo in Norvik."
    assert write_tags(marks, TEXT) == tagged
    assert counts(marks, read_tags(tagged, TEXT, TYPES), TEXT) == (2, 0, 2)
    assert read_json(write_json(marks, TEXT), TEXT, TYPES) == marks


def test_types_that_can_be_told_apart_have_tags_that_can():
    assert len(set(map(tag_of, TYPES))) == len(TYPES)
    assert [*map(tag_of, TYPES[:5])] == ["person", "work_of_art", "c.2b.", "c-", "_3d"]


@pytest.mark.parametrize(
    ("written", "marks"),
    [
        ([("person", "Ada")], {(0, 3, "person")}),
        ([("person", "Ada Park"), ("person", "Ada")], {(0, 8, "person"), (13, 16, "person")}),
        ([("person", "Bo"), ("person", "Ada")], {(21, 23, "person"), (0, 3, "person")}),
        ([("person", "Ada")] * 3, {(0, 3, "person"), (13, 16, "person")}),
        (
            [("C+", "Norvik"), ("person", "Ada"), ("person", "Bo"), ("person", "Ada")],
            {(27, 33, "C+"), (0, 3, "person"), (21, 23, "person"), (13, 16, "person")},
        ),
        ([("person", "Ada"), ("C+", "Ada")], {(0, 3, "person"), (13, 16, "C+")}),
        ([("person", "Bo"), ("C+", "Bo")], {(21, 23, "person"), (21, 23, "C+")}),
        ([("person", "Eve"), ("planet", "Bo"), ("person", "")], set()),
    ],
)
def test_a_listed_entity_stands_at_its_first_free_mention_after_the_one_before(written, marks):
    items = json.dumps([{"type": kind, "text": words} for kind, words in written])
    assert set(read_json(items, TEXT, TYPES)) == marks


@pytest.mark.parametrize(
    ("written", "marks"),
    [
        ("  Ada Park and <person>Ada</person> met", {(13, 16, "person")}),
        ("Ada Park and <person>Ada", set()),
        ("Ada and <person>Ada</person>", {(0, 3, "person")}),
        ("Eve Park and <person>Ada</person>", {(13, 16, "person")}),
        ("Eve and <person>Bo</person> or <C->Norvik</C->", {(21, 23, "person"), (27, 33, "C-")}),
        ("Ada <planet>Park</planet>", set()),
        ("<person>Ada <c->Park</c-> and</person>", {(4, 8, "C-")}),
        ("<person>Ada</C-> Park", set()),
        ("<person></person>Ada</person>", set()),
        ("<person>Eve</person>", set()),
    ],
)
def test_a_tagged_entity_stands_where_it_is_written_if_the_text_has_it_there(written, marks):
    assert set(read_tags(written.replace("C-", "c-"), TEXT, TYPES)) == marks


def test_a_part_of_an_entity_or_another_type_is_wrong_and_missed():
    gold = ((0, 8, "person"), (13, 16, "person"), (27, 33, "C+"))
    said = ((4, 8, "person"), (13, 16, "C-"), (27, 33, "C+"), (21, 23, "C+"))
    assert counts(gold, said, TEXT) == (1, 3, 2)
    assert counts((), said, TEXT) == (0, 4, 0)
    assert counts(gold, (), TEXT) == (0, 0, 3)


def test_another_mention_of_the_same_words_is_right_once():
    gold, said = ((13, 16, "person"),), ((0, 3, "person"),)
    assert counts(gold, said, TEXT) == (1, 0, 0)
    assert counts(gold, (*gold, *said), TEXT) == (1, 1, 0)
