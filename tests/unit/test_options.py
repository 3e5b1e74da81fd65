"""Questions that list their options by letter, and what a prompt writes of them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.encode.tokens import text_of
from appliance.errors import InputError, PromptError
from appliance.prompts.by_states import by_states
from appliance.prompts.loaded import Loaded
from appliance.prompts.options import listed
from appliance.prompts.prompt import Prompt
from appliance.prompts.render import render
from appliance.prompts.show import plain
from appliance.prompts.validate import check_suits
from appliance.search.portfolio import portfolio
from appliance.search.spaces import space_of
from appliance.task import Case, Example, Task

TASK = Task("order", "answer", "fixed", (), match="choice")
LETTERS = Prompt((), "{text}\nAnswer: {answer}\n")
WORDS = msgspec.structs.replace(LETTERS, options="words")


def question(first: str = "a red old car", second: str = "an old red car") -> Example:
    text = f"Which order is right?\nOptions:\n(A) {first}\n(B) {second}"
    return Example(text, answers=("(B)",), choices=("(A)", "(B)"), may_ship=True)


def loaded(*rows: Example) -> Loaded:
    cases = {"tuning": [Case(row) for row in rows], "selection": [], "test": []}
    return Loaded("t", "s", TASK, LETTERS, {row.id: row for row in rows}, cases, {})


def shown(prompt: Prompt, row: Example, *shots: Example) -> tuple[str, list[str], str]:
    [asked] = render(prompt, TASK, Case(row), shots)
    answers = [text_of(answer) for answer in asked.answers]
    return text_of((*asked.prefix, *asked.query)), answers, text_of(asked.free)


@pytest.mark.parametrize(
    ("text", "choices", "words"),
    [
        ("Why?\nOptions:\n(A) one\n(B) two", ("(A)", "(B)"), ("one", "two")),
        ("Why?\n\nA. one\nB) two \n", ("A", "B"), ("one", "two")),
        ("Why?\nOptions:\n\n(A) one\n(B) two", ("(A)", "(B)"), ("one", "two")),
        ("Why? Options:\n(A) one\n(B) two", ("(A)", "(B)"), ("one", "two")),
        ("Why?\nAnswer choices:\n1: one\n2: two\n3: six", ("1", "2", "3"), ("one", "two", "six")),
    ],
)
def test_options_behind_letters_or_numbers_are_told_from_their_question(text, choices, words):
    assert listed(Example(text, choices=choices)) == ("Why?", words)


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("Why?\nOptions:\n- Yes\n- No", ("Yes", "No")),  # The answers are words already.
        ("Why?\n(A) one\n(B) two", ("(B)", "(A)")),
        ("Why?\n(A) one\n(B) two", ("(A)", "(B)", "(C)")),
        ("Why?\n(A) one\n(B) two\n(C) six", ("(A)", "(B)")),
        ("Why?\n(A) one\n(B) two\nSay which.", ("(A)", "(B)")),
        ("Why?\n(A) one\n(B) one", ("(A)", "(B)")),
        ("Why?\n(A) one\n(B)", ("(A)", "(B)")),
        ("Why?\nAn apple\nBy now", ("A", "B")),
        ("Options:\n(A) one\n(B) two", ("(A)", "(B)")),
        ("(A) one\n(B) two", ("(A)", "(B)")),
        ("Why?\n(A) one", ("(A)",)),
        ("Why?", ()),
    ],
)
def test_any_other_text_lists_no_options(text, choices):
    assert listed(Example(text, choices=choices)) is None


LINE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)


@given(LINE, st.lists(LINE, min_size=2, max_size=9, unique=True))
def test_what_is_listed_is_read_again(asked, words):
    choices = tuple(f"({chr(65 + at)})" for at in range(len(words)))
    lines = [f"{choice} {word}" for choice, word in zip(choices, words, strict=True)]
    row = Example("\n".join([f"{asked}?", "Options:", *lines]), choices=choices)
    assert listed(row) == (f"{asked}?", tuple(words))


def test_options_are_written_by_their_letters_or_by_their_words_without_the_list():
    row = question()
    assert shown(LETTERS, row) == (f"{row.text}\nAnswer: ", ["(A)\n", "(B)\n"], "N/A\nAnswer: ")
    words = ["a red old car\n", "an old red car\n"]
    assert shown(WORDS, row) == ("Which order is right?\nAnswer: ", words, "N/A\nAnswer: ")


def test_a_row_that_is_shown_has_its_answer_in_words_too():
    text, _, _ = shown(WORDS, question(), question("a big hat", "a hat big"))
    assert text.startswith("Which order is right?\nAnswer: a hat big\nWhich order is right?")


def test_a_text_that_holds_a_slot_stays_data():
    text, answers, _ = shown(WORDS, question("{text}", "{answer}"))
    assert text == "Which order is right?\nAnswer: " and answers == ["{text}\n", "{answer}\n"]


def test_a_row_that_is_kept_as_a_demonstration_has_to_list_its_options_too():
    dashed = Example("So?\nOptions:\n- Yes\n- No", answers=("Yes",), choices=("Yes", "No"))
    found = loaded(question())
    rows = {**found.rows, dashed.id: dashed}
    kept = msgspec.structs.replace(found, rows=rows, demonstrations={"Yes": (dashed.id,)})
    assert found.lettered and not kept.lettered


def test_a_prompt_that_writes_words_suits_a_task_that_lists_them_alone():
    dashed = Example("So?\nOptions:\n- Yes\n- No", answers=("Yes",), choices=("Yes", "No"))
    check_suits(WORDS, loaded(question()))
    with pytest.raises(InputError, match=r'each on a line behind its letter.*options to "letters"'):
        check_suits(WORDS, loaded(question(), dashed))
    assert not loaded(question(), dashed).lettered and not loaded().lettered


def test_words_are_searched_and_known_formats_write_them_only_where_texts_list_them():
    lists, other = loaded(question()), loaded(Example("So?", answers=("a",), choices=("a", "b")))
    assert space_of(TASK, LETTERS, lists.lettered).rules["options"] == ("letters", "words")
    read = by_states(LETTERS)
    assert space_of(TASK, read, lists.lettered).rules == space_of(TASK, LETTERS, True).rules
    assert "options" not in space_of(TASK, LETTERS, other.lettered).rules
    written = {p.options for p in portfolio(TASK, LETTERS, lettered=lists.lettered)}
    assert written == {"letters", "words"}
    assert {p.options for p in portfolio(TASK, LETTERS, lettered=other.lettered)} == {"letters"}


def test_no_state_is_read_where_the_letters_are_left_out():
    assert by_states(LETTERS) is not None and by_states(WORDS) is None
    for wrong in ({"readout": "hidden"}, {"example": "{text} {label}\n"}):
        with pytest.raises(PromptError, match="options are written by their words in a prompt"):
            msgspec.structs.replace(WORDS, **wrong)


def test_a_prompt_says_that_it_writes_words():
    assert "options: written by their words, the list left out of the text" in plain(WORDS)
    assert "options" not in plain(LETTERS)
