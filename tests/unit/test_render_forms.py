"""Yes/no questions, written answers and the channel, as they are rendered."""

from __future__ import annotations

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, case, row

from appliance.encode.tokens import text_of
from appliance.prompts.pieces import DATA
from appliance.prompts.prompt import Prompt, Section
from appliance.prompts.render import asked, holds, literals, opening, render, reverse
from appliance.prompts.show import rendered
from appliance.task import (
    Case,
    Example,
    Label,
    Task,
)

YES_NO = Prompt(
    sections=(Section("task", "Answer yes or no.\n\n"),),
    example="{label} ({definition})\nAs in: {support}\n{marked}\nAnswer: {answer}\n\n",
    marking="typed",
)
PLAIN_YES_NO = Prompt(sections=(), example="{text}\n{label}? {answer}\n")
NONE_TASK = msgspec.structs.replace(
    TASK, labels=(*TASK.labels, Label("none of these")), none="none of these"
)
SUMS = Task("sums", "answer", "fixed", (), match="numeric")
STEPS = Prompt(
    sections=(Section("task", "Think.\n\n"),),
    example="Q: {text}\nReasons: {reasoning}\nSo it is: {answer}\n\n",
)
CLEO, DORA = row("Cleo", "Wick"), row("Dora", "Yarrow", "author")
EPISODE = case(CLEO, row("Ada", "Ostrand"), row("Bo", "Vell", "author"), row("Al", "Om", "author"))


def texts(found) -> list[str]:
    return [text_of((*q.prefix, *q.query)) for q in found]


def test_a_yes_no_prompt_asks_for_each_label_in_turn_with_its_own_support():
    found = render(YES_NO, TASK, EPISODE, ())
    assert texts(found) == [
        "Answer yes or no.\n\nfounder (what a founder is)\n"
        "As in: @ Ada @ set up # Ostrand #.\n@ Cleo @ set up # Wick #.\nAnswer: ",
        "Answer yes or no.\n\nsupplier of (what a supplier of is)\nAs in: \n"
        "@ Cleo @ set up # Wick #.\nAnswer: ",
        "Answer yes or no.\n\nauthor (what a author is)\n"
        "As in: @ Bo @ set up # Vell #.\n@ Al @ set up # Om #.\n"
        "@ Cleo @ set up # Wick #.\nAnswer: ",
    ]
    assert [[text_of(a) for a in q.answers] for q in found] == [["yes\n\n", "no\n\n"]] * 3


BRACES = Prompt(
    sections=(Section("task", 'Answer {{"as"}} {{json}}.\n'),),
    example="{{note}} {text}\n{text} {0} {{{head}}}\n{label}\n",
)


def test_a_word_in_two_pairs_of_braces_is_written_in_one_and_belongs_to_no_literal():
    """Other braces stay as they are, and a slot may stand several times."""
    [found] = render(BRACES, TASK, case(CLEO), ())
    text = "Cleo set up Wick."
    written = f'Answer {{{{"as"}}}} {{json}}.\n{{note}} {text}\n{text} {{0}} {{{{Cleo}}}}\n'
    assert text_of((*found.prefix, *found.query)) == written
    unowned = {p.text for p in (*found.prefix, *found.query) if p.owner == DATA}
    assert unowned == {"{json}", "{note}", text, "Cleo"}
    assert rendered(BRACES, TASK, case(CLEO), ()).startswith(
        'Answer {{"as"}} {json}.\n{note} {text}'
    )
    again = msgspec.json.decode(msgspec.json.encode(BRACES), type=Prompt)
    assert again == BRACES and again.id == BRACES.id


def test_a_slot_s_own_name_in_two_pairs_of_braces_is_still_a_slot():
    prompt = Prompt((), "{{text}} {label}\n")
    [found] = render(prompt, TASK, case(CLEO), ())
    assert text_of(found.query) == "{Cleo set up Wick.} "


def test_all_questions_of_a_case_have_one_prefix_and_without_content_no_query_is_left():
    found = render(YES_NO, TASK, EPISODE, ())
    assert len({q.prefix for q in found}) == 1
    assert text_of(found[0].free) == (
        "founder (what a founder is)\nAs in: @ Ada @ set up # Ostrand #.\nN/A\nAnswer: "
    )


def test_no_question_is_about_none_of_the_above():
    labels = (*LABELS, "none of these")
    assert asked(NONE_TASK, Case(CLEO, labels)) == LABELS
    assert len(render(YES_NO, NONE_TASK, Case(CLEO, labels), ())) == len(LABELS)


def test_a_fixed_tasks_rows_are_shown_with_their_own_label_and_another_one_in_turn():
    shots = (row("Ada", "Ost"), row("Bo", "Vell"), row("Al", "Om", "author"), DORA)
    prefix = text_of(render(PLAIN_YES_NO, TASK, case(CLEO), shots)[0].prefix)
    assert prefix == (
        "Ada set up Ost.\nfounder? yes\n"
        "Bo set up Vell.\nsupplier of? no\n"
        "Al set up Om.\nauthor? yes\n"
        "Dora set up Yarrow.\nfounder? no\n"
    )


def test_a_row_that_has_none_of_the_labels_is_shown_with_one_that_is_denied():
    nothing = row("Ada", "Ost", "none of these")
    labels = (*LABELS, "none of these")
    [first, *_] = render(PLAIN_YES_NO, NONE_TASK, Case(CLEO, labels), (nothing, nothing))
    assert text_of(first.prefix) == (
        "Ada set up Ost.\nfounder? no\nAda set up Ost.\nsupplier of? no\n"
    )


def test_an_episodes_support_without_a_slot_for_it_is_shown_with_the_label_in_question():
    found = render(PLAIN_YES_NO, TASK, case(CLEO, row("Ada", "Ost"), DORA), ())
    assert [text_of(q.prefix) for q in found] == [
        "Ada set up Ost.\nfounder? yes\nDora set up Yarrow.\nfounder? no\n",
        "Ada set up Ost.\nsupplier of? no\nDora set up Yarrow.\nsupplier of? no\n",
        "Ada set up Ost.\nauthor? no\nDora set up Yarrow.\nauthor? yes\n",
    ]


def test_yes_and_no_can_have_other_words_in_demonstrations_and_answers():
    prompt = msgspec.structs.replace(PLAIN_YES_NO, words=("true", "false"))
    first = render(prompt, TASK, case(CLEO), (row("Ada", "Ost"),))[0]
    assert text_of(first.prefix).endswith("founder? true\n")
    assert [text_of(answer) for answer in first.answers] == ["true\n", "false\n"]


def test_a_text_of_several_labels_has_each_of_them():
    both = Example("A text.", labels=("founder", "author"))
    assert [holds(label, both) for label in LABELS] == [True, False, True]
    assert holds("founder", CLEO) and not holds("author", CLEO)


@pytest.mark.parametrize("prompt", [YES_NO, PLAIN_YES_NO, STEPS])
def test_every_piece_of_a_question_is_a_literal_or_data(prompt):
    task = SUMS if prompt is STEPS else TASK
    asking = Case(Example("1 + 1", answers=("2",))) if prompt is STEPS else EPISODE
    numbered = literals(prompt)
    for question in render(prompt, task, asking, ()):
        for piece in (*question.prefix, *question.query, *(p for a in question.answers for p in a)):
            assert piece.owner == DATA or piece.text == numbered[piece.owner].text


SUM = Example("1 + 1", answers=("2", "two"), reasoning="One and one.")


def test_a_written_answer_is_read_after_the_reasoning_that_was_written():
    [found] = render(STEPS, SUMS, Case(SUM), (), "I count.")
    assert texts([found]) == ["Think.\n\nQ: 1 + 1\nReasons: I count.\nSo it is: "]
    assert [text_of(answer) for answer in found.answers] == ["2\n\n"]
    assert found.free == ()


def test_what_a_model_continues_ends_where_its_reasoning_begins():
    shots = (Example("3 + 4", answers=("7",), reasoning="Three, four."),)
    assert opening(STEPS, SUMS, Case(SUM), shots) == (
        "Think.\n\nQ: 3 + 4\nReasons: Three, four.\nSo it is: 7\n\nQ: 1 + 1\nReasons: "
    )
    brief = Prompt((), "{text} = {answer}\n")
    assert opening(brief, SUMS, Case(SUM), ()) == "1 + 1 = "


def test_the_rows_own_reasoning_is_not_told_to_who_is_asked():
    assert "One and one" not in opening(STEPS, SUMS, Case(SUM), ())
    assert "One and one" not in texts(render(STEPS, SUMS, Case(SUM), ()))[0]


def test_a_row_without_reasoning_teaches_none():
    bare, reasoned = Example("3 + 4", answers=("7",)), SUM
    prefix = text_of(render(STEPS, SUMS, Case(SUM), (bare, reasoned))[0].prefix)
    assert "3 + 4" not in prefix and "One and one." in prefix
    direct = Prompt((), "{text} = {answer}\n")
    assert "3 + 4 = 7" in text_of(render(direct, SUMS, Case(SUM), (bare, reasoned))[0].prefix)


def test_choices_are_the_answers_of_a_question_that_offers_some():
    task = msgspec.structs.replace(SUMS, match="choice")
    offered = Example("Which?", answers=("b",), choices=("a", "b", "c"))
    prompt = Prompt((), "{text} {choices}\n{answer}\n", join=" / ")
    [found] = render(prompt, task, Case(offered), ())
    assert texts([found]) == ["Which? a / b / c\n"]
    assert [text_of(answer) for answer in found.answers] == ["a\n", "b\n", "c\n"]
    # Contextual calibration: a choice has a score without the question.
    assert text_of(found.free) == "N/A N/A\n"


def test_a_channel_gives_the_row_under_each_label():
    prompt = msgspec.structs.replace(
        PROMPT, reverse="{label}: {text} ({head})\n", channel_weight=0.5
    )
    found = reverse(prompt, TASK, case(CLEO), (DORA,))
    start = (
        "Name the relation: founder, supplier of, author\n\nauthor: Dora set up Yarrow. (Dora)\n"
    )
    assert texts(found) == [f"{start}{label}: " for label in LABELS]
    assert [[text_of(a) for a in q.answers] for q in found] == [["Cleo set up Wick. (Cleo)\n"]] * 3
    owners = {piece.owner for q in found for piece in (*q.query, *q.answers[0])}
    assert owners == {DATA}


@pytest.mark.parametrize(
    ("prompt", "task", "asking", "shown"),
    [
        (YES_NO, TASK, EPISODE, YES_NO.sections[0].text + YES_NO.stem),
        (STEPS, SUMS, Case(SUM), STEPS.sections[0].text + STEPS.stem),
    ],
)
def test_a_prompt_of_any_form_is_shown_up_to_its_answer(prompt, task, asking, shown):
    assert rendered(prompt, task, asking, ()) == shown
