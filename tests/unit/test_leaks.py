"""What a prompt says of private rows is found, whatever its case and punctuation."""

from __future__ import annotations

import msgspec
import pytest
from in_process import PROMPT, row

from appliance.data.leaks import Leak, leaks
from appliance.task import Example, Label

PRIVATE = row("Mirel Tann", "Vell Yard", before="After the flood of March ")


def saying(text: str):
    return PROMPT.with_section("guidance", text)


def test_a_prompt_that_says_nothing_of_private_rows_leaks_nothing():
    assert leaks(PROMPT, (), [PRIVATE]) == []
    assert leaks(saying("After the flood, mind the direction.\n"), (), [PRIVATE]) == []


@pytest.mark.parametrize(
    "text",
    [
        "As in: after the FLOOD of March, name the founder.\n",
        "As in: After—the flood\nof “March”: name the founder.\n",
        "As in: after the ﬂood of march.\n",
    ],
)
def test_five_words_of_a_row_are_found_in_whatever_writing(text):
    assert leaks(saying(text), (), [PRIVATE]) == [
        Leak(PRIVATE.id, "text", "after the flood of march")
    ]


def test_what_is_written_for_a_label_is_looked_at_too():
    labels = [Label("founder", words="after the flood of March")]
    assert leaks(PROMPT, labels, [PRIVATE]) == [
        Leak(PRIVATE.id, "text", "after the flood of march", "labels")
    ]


def test_the_longest_stretch_is_told():
    said = saying("Never say: the flood of March Mirel Tann set up anything.\n")
    [leak] = leaks(said, (), [PRIVATE])
    assert leak.words == "the flood of march mirel tann set up"


def test_an_entity_is_found_as_whole_words():
    assert leaks(saying("Ask Mirel Tann.\n"), (), [PRIVATE])[0] == Leak(
        PRIVATE.id, "entity", "mirel tann"
    )
    assert leaks(saying("Ask Mirel Tanner.\n"), (), [PRIVATE]) == []


def test_a_demonstration_that_may_not_ship_is_found():
    shown = msgspec.structs.replace(PROMPT, shots=(PRIVATE.id,))
    assert leaks(shown, (), [PRIVATE])[0].what == "demonstration"
    assert leaks(shown, (), [msgspec.structs.replace(PRIVATE, may_ship=True)]) == []


def test_rows_that_may_ship_are_nobody_s_secret():
    assert leaks(saying(PRIVATE.text), (), [msgspec.structs.replace(PRIVATE, may_ship=True)]) == []


def test_a_short_row_counts_whole():
    short = Example("Pump leaks", None, None, "repair")
    assert leaks(saying("Say pump leaks.\n"), (), [short]) == [Leak(short.id, "text", "pump leaks")]
    assert leaks(saying("Say pump.\n"), (), [short]) == []


def test_what_labels_are_called_and_said_to_mean_is_searched_too():
    told = Label("founder", "as in: after the flood of March, say")
    assert leaks(PROMPT, [told], [PRIVATE]) == [
        Leak(PRIVATE.id, "text", "after the flood of march", "labels")
    ]
    worded = msgspec.structs.replace(PROMPT, words=("Mirel Tann", "b", "c"))
    assert leaks(worded, (), [PRIVATE]) == [Leak(PRIVATE.id, "entity", "mirel tann", "labels")]


def test_a_golden_row_that_may_not_ship_is_found():
    assert leaks(PROMPT, (), [PRIVATE], {PRIVATE.id}) == [
        Leak(PRIVATE.id, "golden", PRIVATE.text, "golden rows")
    ]


def test_a_question_a_reasoning_and_named_entities_are_no_less_private():
    asked = Example("A passage.", question="Who mends the pumps of the northern depot?")
    reasoned = Example("A sum.", reasoning="Two boxes hold three apples and a pear each.")
    named = Example("We met Ada Park in town.", spans=((7, 15, "person"),))
    prompt = saying("Who mends the pumps of it? Boxes hold three apples and; ask Ada Park.\n")
    assert leaks(prompt, (), [asked, reasoned, named]) == [
        Leak(asked.id, "text", "who mends the pumps of"),
        Leak(reasoned.id, "text", "boxes hold three apples and"),
        Leak(named.id, "entity", "ada park"),
    ]


def test_a_stretch_does_not_reach_from_one_part_of_a_prompt_into_the_next():
    apart = PROMPT.with_section("guidance", "after the flood").with_section("output", "of march")
    assert leaks(apart, (), [PRIVATE]) == []
