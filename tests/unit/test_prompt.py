"""What a prompt may say, and how one of its literals is replaced."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import PromptError
from appliance.prompts.prompt import (
    SECTIONS,
    Prompt,
    Section,
    split_slots,
)
from appliance.prompts.render import literals
from appliance.prompts.units import literal_unit, replace

EXAMPLE = "{text}\nHead: {head}\nTail: {tail}\n{label}\n"
PROMPT = Prompt(
    sections=(Section("role", "A clerk.\n"), Section("task", "Of {labels}, name one.\n\n")),
    example=EXAMPLE,
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=12)


def changed(**fields: object) -> Prompt:
    return msgspec.structs.replace(PROMPT, **fields)


def test_a_template_is_cut_at_its_slots_and_other_braces_are_literal():
    assert split_slots("a {text} b {0} {Text} {label}") == [
        ("a ", "text"),
        (" b {0} {Text} ", "label"),
        ("", ""),
    ]
    assert split_slots("") == [("", "")]
    assert split_slots("{{date}} {{text}}") == [("", "{date}"), (" {", "text"), ("}", "")]


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["text", "label", "head"])), max_size=5), TEXTS)
def test_cutting_a_template_loses_nothing(parts, end):
    template = "".join(f"{literal}{{{slot}}}" for literal, slot in parts) + end
    assert split_slots(template) == [*parts, (end, "")]


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("{text} {colour} {label}\n", r"unknown slot \{colour\} in example; known: \{answer\}"),
        ("{text} {labels} {label}\n", r"unknown slot \{labels\} in example"),
        ("{text}\n", r"needs \{text\} or \{marked\}, and \{label\} or \{answer\} exactly once"),
        ("{label}\n", r"needs \{text\} or \{marked\}, and \{label\} or \{answer\} exactly once"),
        ("{text} {label} {label}\n", r"\{label\} or \{answer\} exactly once"),
        ("{text} {label}", r"nothing follows \{label\}"),
        ("{label}: {text}\n", r"no slot can stand after \{label\}"),
        ("{text} {label} {head}\n", r"no slot can stand after \{label\}"),
        ("{text} {answer}", r"nothing follows \{answer\}: a separator has to end the answer"),
        ("{text} {answer} {answer}\n", "exactly once"),
        ("{head} {answer}\n", "needs"),
        ("{text} {answer} {label}\n", r"no slot can stand after \{answer\}"),
        ("{text} {definition} {label}\n", r"\{definition\} belongs to yes/no prompts"),
        ("{support} {text} {label}\n", r"\{support\} belongs to yes/no prompts"),
        ("{text} {reasoning} So: {label}\n", r"\{reasoning\} stands once, before an \{answer\}"),
        ("{text} {label} {reasoning} So: {answer}\n", r"\{reasoning\} stands once"),
        ("{text} {reasoning} {reasoning} So: {answer}\n", r"\{reasoning\} stands once"),
        ("{text} {reasoning} {answer}\n", r"between \{reasoning\} and \{answer\} stands text"),
        ("{reasoning} So {text}: {answer}\n", r"between \{reasoning\} and \{answer\}"),
    ],
)
def test_an_example_template_that_cannot_be_scored_is_refused(example, message):
    with pytest.raises(PromptError, match=message):
        changed(example=example)


def test_a_slot_of_the_example_is_unknown_in_a_section():
    with pytest.raises(PromptError, match=r"unknown slot \{text\} in task; known: \{definitions\}"):
        changed(sections=(Section("task", "{text}"),))


def test_unknown_and_repeated_sections_are_refused():
    with pytest.raises(PromptError, match="unknown section 'poem'; known: role, task"):
        changed(sections=(Section("poem", "x"),))
    with pytest.raises(PromptError, match="twice"):
        changed(sections=(Section("task", "x"), Section("task", "y")))


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(weight):
    with pytest.raises(PromptError, match="not between 0 and 1"):
        changed(weight=weight)


def test_a_prior_that_is_not_finite_is_refused():
    with pytest.raises(PromptError, match="bias of a label is not finite"):
        changed(bias=(0.0, float("inf")))


YES_NO = "{marked}\n{label} ({definition}), as in {support}? {answer}\n"
WRITTEN = "{text}\nReasons: {reasoning}\nSo it is: {answer}\n\n"


@pytest.mark.parametrize(
    ("example", "form", "target", "stem", "separator", "extractor"),
    [
        (EXAMPLE, "choice", "label", EXAMPLE[:-8], "\n", ""),
        (YES_NO, "yesno", "answer", YES_NO[:-9], "\n", ""),
        ("{text} = {answer};", "written", "answer", "{text} = ", ";", ""),
        (WRITTEN, "written", "answer", WRITTEN[:-10], "\n\n", "\nSo it is: "),
    ],
)
def test_the_last_slot_makes_the_form(example, form, target, stem, separator, extractor):
    prompt = changed(example=example)
    found = (prompt.form, prompt.target, prompt.stem, prompt.separator, prompt.extractor)
    assert found == (form, target, stem, separator, extractor)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reverse": "{text}: {label}\n"}, r"has \{label\} first and \{text\} next"),
        ({"reverse": "{label}\n"}, r"has \{label\} first and \{text\} next"),
        ({"reverse": "{label} {head} {text}\n"}, r"has \{label\} first and \{text\} next"),
        ({"reverse": "{label} {colour}\n"}, r"unknown slot \{colour\} in reverse"),
        ({"reverse": "{label} {text}\n", "mode": "chat"}, "a channel belongs to raw prompts"),
        ({"reverse": "{label} {text}\n", "example": YES_NO}, "a channel belongs to raw prompts"),
        ({"channel_weight": 0.5}, "a channel weight needs a reverse template"),
        (
            {"reverse": "{label} {text}\n", "channel_weight": 1.5},
            "channel weight 1.5 is not between 0 and 1",
        ),
        ({"threshold": float("nan")}, "the threshold is not finite"),
        ({"threshold": float("-inf")}, "the threshold is not finite"),
        ({"intercept": float("inf")}, "the intercept is not finite"),
        ({"temperature": 0.0}, "temperature 0.0 is not above 0"),
        ({"temperature": -1.0}, "temperature -1.0 is not above 0"),
        ({"temperature": float("inf")}, "temperature inf is not above 0"),
        ({"abstain": 1.1}, "abstention threshold 1.1 is not between 0 and 1"),
        ({"abstain": float("nan")}, "abstention threshold nan is not between 0 and 1"),
        ({"example": YES_NO, "words": ("yes",)}, "1 words; yes and no are two"),
        ({"example": YES_NO, "words": ("yes", "no", "?")}, "3 words; yes and no are two"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused(fields, message):
    with pytest.raises(PromptError, match=message):
        changed(**fields)


@pytest.mark.parametrize("reverse", ["{label}: {text}\n", "A {label}, as in {marked} ({head})\n"])
def test_a_channel_gives_the_row_after_its_label(reverse):
    assert changed(reverse=reverse, channel_weight=0.5).reverse == reverse


def test_what_is_as_usual_is_not_written_so_that_new_rules_leave_old_ids_as_they_are():
    written = msgspec.json.decode(msgspec.json.encode(PROMPT))
    assert "bias" not in written and "weight" not in written


def test_a_malformed_prompt_is_refused_when_it_is_read_too():
    data = msgspec.json.encode(PROMPT).replace(b"{tail}", b"{tall}")
    with pytest.raises(PromptError, match="tall"):
        msgspec.json.decode(data, type=Prompt)


def test_sections_are_replaced_added_in_their_place_and_dropped():
    guided = PROMPT.with_section("guidance", "Be brief.\n").with_section("definitions", "x\n")
    assert [s.name for s in guided.sections] == ["role", "task", "definitions", "guidance"]
    assert guided.section("guidance") == "Be brief.\n"
    assert guided.with_section("guidance", "").with_section("definitions", "") == PROMPT
    assert PROMPT.section("output") == ""


def test_the_id_is_a_content_address():
    again = msgspec.json.decode(msgspec.json.encode(PROMPT), type=Prompt)
    assert again == PROMPT and again.id == PROMPT.id and len(PROMPT.id) == 16
    others = [
        changed(weight=0.25),
        changed(bias=(0.5, -0.5)),
        changed(words=("a", "b")),
        changed(reverse="{label} {text}\n"),
        changed(reverse="{label} {text}\n", channel_weight=0.5),
        changed(threshold=0.5),
        changed(temperature=2.0),
        changed(abstain=0.5),
        changed(marking="typed"),
        changed(output="tags"),
        changed(join="; "),
        changed(wording="lower"),
        changed(order="label"),
        changed(shots=("a",)),
        changed(shots=("a", "b")),
        changed(mode="chat"),
        changed(example=EXAMPLE + " "),
        PROMPT.with_section("role", "A clerk. \n"),
        PROMPT.with_section("role", ""),
    ]
    assert len({PROMPT.id, *(other.id for other in others)}) == len(others) + 1


def test_the_separator_is_what_follows_the_label():
    assert PROMPT.separator == "\n"
    assert changed(example="{text} is {label} | \n").separator == " | \n"


@pytest.mark.parametrize("number", range(len(literals(PROMPT))))
def test_a_literal_replaced_by_itself_is_the_same_prompt(number):
    assert replace(PROMPT, literal_unit(PROMPT, number), literals(PROMPT)[number].text) == PROMPT


@given(st.integers(0, len(literals(PROMPT)) - 2), TEXTS)
def test_a_replaced_literal_changes_nothing_else_and_can_be_put_back(number, text):
    before = literals(PROMPT)
    # Without its only literal a section is gone, and what is gone cannot be replaced.
    text = text or " "
    after = replace(PROMPT, literal_unit(PROMPT, number), text)
    expected = [entry.text for entry in before]
    expected[number] = text
    assert [entry.text for entry in literals(after)] == expected
    assert replace(after, literal_unit(after, number), before[number].text) == PROMPT


def test_a_section_whose_text_is_edited_away_is_dropped():
    assert replace(PROMPT, literal_unit(PROMPT, 0), "").sections == PROMPT.sections[1:]


def test_the_separator_cannot_be_edited_away():
    last = len(literals(PROMPT)) - 1
    with pytest.raises(PromptError, match="a separator has to end the label"):
        replace(PROMPT, literal_unit(PROMPT, last), "")


@given(st.permutations(SECTIONS))
def test_sections_stand_in_one_order_however_they_were_added(names):
    prompt = changed(sections=())
    for name in names:
        prompt = prompt.with_section(name, f"{name}\n")
    assert [section.name for section in prompt.sections] == list(SECTIONS)


def test_a_value_that_equals_its_default_changes_no_id():
    """A computed 0.0 is another object than the default, and the same prompt."""
    plain = changed()
    computed = changed(weight=float("0"), channel_weight=sum([0.0]), threshold=float("-0"))
    assert computed == plain and computed.id == plain.id
    assert msgspec.json.decode(msgspec.json.encode(computed), type=Prompt).id == plain.id
