"""What a row puts into the slots of a prompt."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import PROMPT, TASK, row

from appliance.prompts.prompt import Prompt
from appliance.prompts.slots import (
    about,
    answer_of,
    label_words,
    marked,
    values,
)
from appliance.task import Example, Label, Task

MARKED = msgspec.structs.replace(PROMPT, example="{marked}\n{label}\n")
PLAIN = row("Ada", "Ostrand", before="In 1999 ")


def styled(style: str) -> Prompt:
    return msgspec.structs.replace(MARKED, marking=style)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("subject", "In 1999 <subject>Ada</subject> set up <object>Ostrand</object>."),
        ("e1", "In 1999 [E1] Ada [/E1] set up [E2] Ostrand [/E2]."),
        ("typed", "In 1999 @ Ada @ set up # Ostrand #."),
    ],
)
def test_entities_are_marked_in_each_style(style, text):
    assert marked(styled(style), PLAIN) == text
    assert values(styled(style), TASK, PLAIN)["marked"] == text


def test_typed_markers_say_the_types_of_the_entities():
    typed = row("Ada", "Ostrand", head_type="PERSON", tail_type="ORG")
    assert marked(styled("typed"), typed) == "@ * person * Ada @ set up # ^ org ^ Ostrand #."


def test_markers_follow_the_entities_whichever_comes_first():
    turned = Example("Ostrand was set up by Ada.", (22, 25), (0, 7), "founder")
    expected = "<object>Ostrand</object> was set up by <subject>Ada</subject>."
    assert marked(styled("subject"), turned) == expected


@given(st.text(max_size=8), st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_without_its_markers_a_marked_text_is_the_text(before, head, tail):
    found = marked(styled("subject"), row(head, tail, before=before))
    markers = ("<subject>", "</subject>", "<object>", "</object>")
    if any(marker in before + head + tail for marker in markers):
        return
    for marker in markers:
        assert found.count(marker) == 1
        found = found.replace(marker, "")
    assert found == row(head, tail, before=before).text


def test_a_text_without_entities_is_not_marked():
    assert marked(MARKED, Example("Good morning.", label="hello")) == "Good morning."


def test_words_stand_for_the_labels_of_a_task_in_its_order():
    prompt = msgspec.structs.replace(PROMPT, words=("sets up", "sells to", "writes"))
    assert label_words(prompt, TASK, ["author", "founder"]) == ["writes", "sets up"]
    assert values(prompt, TASK, PLAIN)["label"] == "sets up"


def test_yes_and_no_in_other_words_leave_the_labels_as_they_are():
    prompt = msgspec.structs.replace(
        PROMPT, example="{text}\n{label}? {answer}\n", words=("true", "false")
    )
    assert label_words(prompt, TASK, ["author"]) == ["author"]


def test_a_definition_stands_where_the_example_has_a_slot_for_it():
    asks = msgspec.structs.replace(
        PROMPT, example="{text}\n{label}: {definition}? {answer}\n", wording="upper"
    )
    assert about(asks, TASK, "author") == {"label": "AUTHOR", "definition": "what a author is"}
    assert about(PROMPT, TASK, "author") == {"label": "author", "definition": ""}
    assert about(asks, TASK, "stranger") == {"label": "STRANGER", "definition": ""}


def test_a_written_answer_is_the_first_of_the_right_ones():
    task = Task("sums", "answer", "fixed", ())
    prompt = Prompt((), "{text} = {answer}\n")
    question = Example("2 + 2", answers=("4", "four"), reasoning="Two and two.")
    assert answer_of(prompt, task, question) == "4"
    assert answer_of(prompt, task, Example("2 + 2")) == ""
    filled = values(prompt, task, question)
    assert (filled["answer"], filled["reasoning"], filled["label"]) == ("4", "Two and two.", "")


@pytest.mark.parametrize("output", ["json", "tags"])
def test_entities_are_written_as_the_prompt_says(output):
    task = Task("names", "spans", "fixed", (Label("person"),), metric="span_f1")
    text = Example("Ada went home.", spans=((0, 3, "person"),))
    prompt = Prompt((), "{text}\n{answer}\n", output=output)
    written = answer_of(prompt, task, text)
    assert "Ada" in written and "person" in written
    assert ("home" in written) == (output == "tags")


def test_what_is_written_for_a_label_is_worded_by_the_prompts_rule():
    labels = (Label("C34", words="lung"), Label("C50", "of the breast", words="breast"))
    task = Task("sites", "classify", "fixed", labels)
    prompt = msgspec.structs.replace(PROMPT, example="{text} {label}\n", wording="title")
    assert label_words(prompt, task, ["C50", "C34", "other"]) == ["Breast", "Lung", "Other"]
    asks = msgspec.structs.replace(PROMPT, example="{text}\n{label}: {definition}? {answer}\n")
    assert about(asks, task, "C50") == {"label": "breast", "definition": "of the breast"}
