"""Entities that are given by offsets: in which unit they count, and whether they fit the text."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data import Imported
from appliance.data.choices import Choices
from appliance.data.read.jsonl import read_jsonl
from appliance.data.read.offsets import CODES, Offsets, Unit, in_characters
from appliance.errors import InputError

WORDS = ["bar", "bas", "bat", "baz", "ber", "bes", "bet", "bez", "bir", "bis", "bit", "biz"]
UNITS: list[Unit] = ["characters", *CODES]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def counted(text: str, unit: Unit) -> int:
    encoding, size = CODES.get(unit, ("utf-32-le", 4))
    return len(text.encode(encoding)) // size


def row(before: str, entity: str, after: str, unit: Unit, **more: Any) -> dict[str, Any]:
    start = counted(before, unit)
    span = [start, start + counted(entity, unit), "place"]
    return {"text": before + entity + after, "spans": [span], **more}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path, rows: list[dict[str, Any]]) -> Imported:
    return read_jsonl(written(path, rows), Choices("mine", kind="spans"))


def entities(imported: Imported) -> list[str]:
    return [row.text[a:b] for row in imported.examples for a, b, _ in row.spans]


def greeting(word: str, unit: Unit) -> dict[str, Any]:
    return row(f"Hej 🌊 é {word} i ", "Sund", " nu", unit)


@pytest.mark.parametrize("unit", UNITS)
def test_offsets_are_read_in_the_unit_in_which_entities_fit(file, unit):
    imported = read(file, [greeting(word, unit) for word in WORDS])
    assert entities(imported) == ["Sund"] * len(WORDS)
    if unit == "characters":
        assert imported.notes == ()
    else:
        assert imported.notes == (
            f"offsets are read as {unit}: as characters 12 of 12 entities after an emoji or the "
            "like would begin or end inside a word, or with white space, and so 0 do",
        )


def test_a_single_entity_after_an_emoji_is_enough_and_others_stay(file):
    plain = [row(f"{word} in ", "Sund", " now", "characters") for word in WORDS]
    imported = read(file, [*plain, greeting("bus", "UTF-16 units")])
    assert entities(imported) == ["Sund"] * 13
    assert "as characters 1 of 1 entities" in imported.notes[0]


def test_an_entity_beyond_the_end_of_the_text_is_mended_by_its_unit(file):
    rows = [row(f"🌊🌊🌊 {word} ", "Sund", "", "UTF-16 units") for word in WORDS]
    assert entities(read(file, rows)) == ["Sund"] * 12


def test_a_text_that_is_given_with_its_offsets_shows_their_unit(file):
    rows = [
        {
            "text": f"🌊 {w}東京へ",
            "spans": [{"start": 6, "end": 8, "text": "東京", "type": "place"}],
        }
        for w in WORDS
    ]
    imported = read(file, rows)
    assert entities(imported) == ["東京"] * 12
    assert "or with white space, or cover another text, and so 0 do" in imported.notes[0]


@pytest.mark.parametrize("unit", ["characters", "UTF-16 units"])
def test_entities_whose_unit_nothing_shows_are_counted_in_a_note(file, unit):
    told = (
        "12 of 13 entities that are given as [start, end) stand after an emoji or the like, where "
        "nothing tells characters and UTF-16 units apart: they are read as characters; check them, "
        "or give the entities' text"
    )
    rows = [row(f"🌊{n}我々は", "東京", "へ行く", unit) for n in range(12)]
    rows.append(row("我々は", "東京", "へ行く🌊", unit))
    assert told in read(file, rows).notes


def test_entities_whose_text_shows_their_unit_are_not_counted_as_undecided(file):
    rows = [
        {
            "text": f"🌊{word}我々は東京へ行く",
            "spans": [{"start": 7, "end": 9, "text": "東京", "type": "place"}],
        }
        for word in WORDS
    ]
    assert read(file, rows).notes == ()


def test_relations_are_read_in_their_unit_too(file):
    rows = [
        {"text": f"🌊 {w} owns Sund", "head": [3, 6], "tail": [12, 16], "label": label}
        for label in "ab"
        for w in (WORDS if label == "a" else [w.upper() for w in WORDS])
    ]
    imported = read_jsonl(written(file, rows), Choices("mine"))
    assert {example.tail_text for example in imported.examples} == {"Sund"}
    assert imported.notes[0].startswith("offsets are read as UTF-16 units")


def test_what_no_unit_mends_stays_as_it_is_and_is_told(file):
    rows = [greeting(word, "characters") for word in WORDS]
    rows[0]["spans"][0][0] += 1
    rows[1]["spans"][0][1] += 1
    imported = read(file, rows)
    assert entities(imported)[:2] == ["und", "Sund "]
    assert imported.notes == (
        "2 of 12 entities that are given as [start, end) begin inside a word, or begin or end with "
        'white space, as "und"',
    )


def test_a_place_within_a_character_is_refused(file):
    rows = [greeting(word, "UTF-16 units") for word in WORDS]
    rows[3]["spans"].insert(0, [4, 5, "mark"])
    with pytest.raises(InputError) as caught:
        read(file, rows)
    said = "line 4, spans: entity 1: [4, 5] does not lie in the text; offsets are read as UTF-16"
    assert said in str(caught.value)


def test_a_pipe_in_another_unit_is_refused_with_what_to_do(tmp_path):
    rows = [greeting(word, "UTF-16 units") for word in WORDS]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=written, args=(pipe, rows))
    writer.start()
    with pytest.raises(InputError, match="can be read only once, as a pipe; save it as a file"):
        read_jsonl(pipe, Choices("mine", kind="spans"))
    writer.join()


@given(st.text(), st.text(), st.text(), st.sampled_from(UNITS))
def test_any_stretch_of_a_text_is_found_by_its_offsets_in_any_unit(before, entity, after, unit):
    start = counted(before, unit)
    pair = [start, start + counted(entity, unit)]
    found = in_characters(before + entity + after, pair, unit)
    assert found == [len(before), len(before) + len(entity)]


@settings(max_examples=200)
@given(
    st.text("ab é🌊東.-", max_size=12),
    st.integers(-2, 40),
    st.integers(-2, 40),
    st.sampled_from(UNITS),
)
def test_any_offsets_are_a_span_of_the_text_or_refused(text, start, end, unit):
    offsets = Offsets(unit)
    try:
        found = offsets.span(text, [start, end])
    except ValueError:
        return
    assert 0 <= found[0] < found[1] <= len(text)
    assert counted(text[: found[0]], unit) == start
    assert counted(text[: found[1]], unit) == end
    assert offsets.better in UNITS


@given(st.lists(st.text("abc é🌊", min_size=1, max_size=12), min_size=1, max_size=5), st.data())
def test_entities_that_fit_as_characters_are_never_moved(texts, data):
    offsets = Offsets()
    for text in texts:
        words = [word for word in text.split() if word.strip("🌊")]
        for word in words:
            start = text.index(word)
            whole = text[start - 1 : start].isalpha() or text[start + len(word) :][:1].isalpha()
            if not whole:
                offsets.span(text, [start, start + len(word)])
    assert offsets.better == "characters"
