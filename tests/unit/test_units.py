"""Units of a prompt: what a method may rewrite, and what survives it."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import pytest
import tiny_tasks
from hypothesis import given
from hypothesis import strategies as st
from in_process import PROMPT, TASK

from appliance.errors import PromptError
from appliance.prompts.prompt import Prompt, Section, split_slots
from appliance.prompts.render import literals
from appliance.prompts.units import (
    literal_unit,
    occurrences,
    protected_words,
    replace,
    section_unit,
    units,
)

YES_NO = Prompt(
    (Section("task", "Say whether it holds. Answer yes or no. Be brief.\n\n"),),
    "{text}\n{label}? {answer}\n",
)


NAMING = Prompt(
    (
        Section("output", "Write a label.\n"),
        Section("role", ""),
        Section("task", "Say founder, or author if {labels} has it. Be brief.\n\n"),
    ),
    PROMPT.example,
)
"""A prompt with its sections in an order of its own, one of them empty, that names labels."""


def count(words: Collection[str], prompt: Prompt) -> int:
    """How often words stand in the sections of a prompt."""
    return sum(len(list(occurrences(words, s.text))) for s in prompt.sections)


def slots_of(prompt: Prompt) -> list[str]:
    templates = [*(s.text for s in prompt.sections), prompt.example]
    return [slot for text in templates for _, slot in split_slots(text) if slot]


def test_a_word_in_braces_is_never_rewritten():
    prompt = msgspec.structs.replace(
        NAMING,
        sections=(Section("task", "Write {{date}} first. Be brief.\n\n"),),
        example="On {{day}}: {text}\n{label}\n",
    )
    for grain in ("section", "sentence", "literal"):
        for unit in units(prompt, grain):
            changed = replace(prompt, unit, "new")
            assert sorted(slots_of(changed)) == sorted(slots_of(prompt))
            assert unit.where != "example" or unit.text in "On : \n"
    assert [literal_unit(prompt, n).text for n in range(5)] == [
        "Write ", " first. Be brief.\n\n", "On ", ": ", "\n"
    ]  # fmt: skip


def test_the_literals_are_the_stretches_between_slots():
    found = [(unit.where, unit.text) for unit in units(PROMPT, "literal")]
    assert found == [
        ("task", "Name the relation: "),
        ("task", "\n\n"),
        ("example", "Sentence: "),
        ("example", "\nHead: "),
        ("example", "\nTail: "),
        ("example", "\nRelation: "),
        ("example", "\n\n"),
    ]


def test_every_numbered_literal_is_a_unit_of_the_same_text():
    for prompt in (
        PROMPT,
        YES_NO,
        NAMING,
        *(tiny_tasks.loaded(name).seed for name in tiny_tasks.tasks()),
    ):
        for number, literal in enumerate(literals(prompt)):
            unit = literal_unit(prompt, number)
            assert (unit.where, unit.text) == (literal.where, literal.text)


def test_sentences_that_answers_are_written_with_are_no_units():
    words = protected_words(TASK, YES_NO)
    assert words == {"yes", "no"}
    sentences = [unit.text for unit in units(YES_NO, "sentence", words) if unit.where == "task"]
    assert sentences == ["Say whether it holds.", "Be brief."]
    assert "Answer yes or no." in [unit.text for unit in units(YES_NO, "sentence")]


def test_no_literal_covers_a_protected_word():
    found = [unit.text for unit in units(YES_NO, "literal", ("yes", "no"))]
    assert found[:3] == ["Say whether it holds. Answer", "or", " Be brief.\n\n"]


def test_a_rewritten_section_keeps_its_slots_and_what_answers_are_written_with():
    unit = section_unit(YES_NO, "task", ("yes", "no"))
    assert unit.text == "Say whether it holds. Be brief."
    changed = replace(YES_NO, unit, "Judge the text.")
    assert changed.section("task") == "Judge the text. Answer yes or no.\n\n"
    listed = replace(PROMPT, section_unit(PROMPT, "task"), "Choose one.")
    assert listed.section("task") == "Choose one. {labels}\n\n"


def test_a_protected_sentence_keeps_the_slot_within_it():
    unit = section_unit(NAMING, "task", ("author",))
    assert unit.text == "Be brief."
    changed = replace(NAMING, unit, "Judge.")
    assert changed.section("task") == "Judge. Say founder, or author if {labels} has it.\n\n"


def test_a_section_may_be_given_its_own_slot_within_the_text_and_no_other():
    unit = section_unit(PROMPT, "task")
    changed = replace(PROMPT, unit, "Out of {labels} choose one.")
    assert changed.section("task") == "Out of {labels} choose one.\n\n"
    with pytest.raises(PromptError, match=r"\{definitions\} is a slot"):
        replace(PROMPT, unit, "See {definitions}.")
    with pytest.raises(PromptError, match=r"\{text\} is a slot"):
        replace(PROMPT, literal_unit(PROMPT, 0), "Read {text}: ")


def test_a_section_that_is_not_there_is_added_and_definitions_stay_lines():
    bare = msgspec.structs.replace(PROMPT, sections=())
    assert replace(bare, section_unit(bare, "task"), "Do it.").section("task") == "Do it.\n\n"
    defined = bare.with_section("task", "{definitions}\n\n")
    changed = replace(defined, section_unit(defined, "task"), "Do it.")
    assert changed.section("task") == "Do it.\n\n{definitions}\n\n"


@given(st.sampled_from(["section", "sentence", "literal"]), st.data())
def test_whatever_unit_is_rewritten_slots_and_protected_words_survive(grain, data):
    prompt = data.draw(st.sampled_from([PROMPT, YES_NO, NAMING]))
    words = protected_words(TASK, prompt)
    unit = data.draw(st.sampled_from(units(prompt, grain, words)))
    text = data.draw(st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=20))
    try:
        changed = replace(prompt, unit, text)
    except PromptError:
        # Nothing but the separator's or the extractor's own text may be left empty.
        assert unit.where == "example" and not text.strip()
        return
    assert slots_of(changed) == slots_of(prompt)
    assert count(words, changed) >= count(words, prompt)


def test_units_put_back_leave_the_prompt_as_it_was():
    for grain in ("sentence", "literal"):
        for unit in units(PROMPT, grain):
            assert replace(PROMPT, unit, unit.text) == PROMPT
