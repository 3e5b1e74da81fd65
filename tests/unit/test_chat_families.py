"""What the families' chat templates write, here and in transformers, and the frames made of it."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

import pytest
from chat_families import ANSWER, FAMILIES, SYSTEM, USER, Family
from chat_model import FamilyModel, tokens_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import InProcess

from appliance.encode.frame import chat_frame, opened
from models.chat import ChatTemplateError, render_chat

ASKED = [("user", USER)]
TOLD = [("system", SYSTEM), *ASKED]
SAID = ("assistant", ANSWER)
NAMED = {family.name: family for family in FAMILIES}
every_family = pytest.mark.parametrize("name", NAMED)


@cache
def model(name: str) -> InProcess:
    return InProcess(FamilyModel(NAMED[name]))


def conversations(family: Family) -> list[tuple[list[tuple[str, str]], str]]:
    """The family's conversations with what its template makes of each."""
    return [
        (ASKED, family.question),
        ([*ASKED, SAID], family.answered),
        (TOLD, family.told_question),
        ([*TOLD, SAID], family.told_answered),
    ]


def ours(family: Family, messages: list[tuple[str, str]]) -> str:
    pieces = render_chat(
        family.template,
        messages,
        add_generation_prompt=messages[-1] != SAID,
        bos_token=family.bos,
        eos_token=family.eos,
    )
    return "".join(piece.text for piece in pieces)


@every_family
def test_a_familys_conversations_are_written_as_it_was_trained_on_them(name):
    family = NAMED[name]
    for messages, expected in conversations(family):
        if expected.startswith("! "):
            with pytest.raises(ChatTemplateError, match=expected.removeprefix("! ")):
                ours(family, messages)
        else:
            assert ours(family, messages) == expected


@every_family
def test_transformers_writes_the_same_to_the_byte(name, monkeypatch):
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers.utils import chat_template_utils

    class Frozen(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2025, 1, 1)

    monkeypatch.setattr(chat_template_utils, "datetime", Frozen)
    family = NAMED[name]
    names = FamilyModel(family).vocabulary
    tokeniser = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({text: i for i, text in enumerate(names)}, names[0])),
        bos_token=family.bos,
        eos_token=family.eos,
        additional_special_tokens=list(family.specials),
        chat_template=family.template,
    )
    for messages, expected in conversations(family):
        if not expected.startswith("! "):
            theirs = tokeniser.apply_chat_template(
                [{"role": role, "content": content} for role, content in messages],
                tokenize=False,
                add_generation_prompt=messages[-1] != SAID,
                enable_thinking=False,
                thinking=False,
            )
            assert theirs == expected


@every_family
def test_the_tokens_of_an_answer_are_those_of_the_whole_conversation(name):
    family, tokeniser = NAMED[name], model(name).tokeniser()
    tokens = tokens_of(tokeniser, USER, ANSWER)
    expected = whole(tokeniser, opening(family) + ANSWER + family.answered.partition(ANSWER)[2])
    assert tokens == expected[: len(tokens)]
    assert tokens[-1] in specials(tokeniser).values()
    assert tokens.count(specials(tokeniser)[family.bos]) == family.answered.count(family.bos)


@every_family
def test_what_a_model_goes_on_with_ends_before_its_answer(name):
    tokeniser = model(name).tokeniser()
    family = NAMED[name]
    [ids] = opened(tokeniser, chat_frame(tokeniser), [USER])
    assert ids == whole(tokeniser, opening(family).rstrip(" "))


def test_only_a_family_whose_thinking_cannot_be_switched_off_has_a_note():
    noted = [name for name in NAMED if chat_frame(model(name).tokeniser()).note]
    assert noted == [name for name, family in NAMED.items() if family.note]


@every_family
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_no_content_adds_a_special_token(name, data):
    tokeniser = model(name).tokeniser()
    marks = (*specials(tokeniser), "<think>", "</think>", "{{ bos_token }}", "\n", "[INST]")
    content = "".join(data.draw(st.lists(st.sampled_from([*marks, "a", " "]), max_size=8)))
    frame = chat_frame(tokeniser)
    named = set(specials(tokeniser).values())
    [plain, hostile] = opened(tokeniser, frame, [USER, content])
    assert [i for i in hostile if i in named] == [i for i in plain if i in named]


def opening(family: Family) -> str:
    """What stands before an answer."""
    before, user, between = family.answered.partition(ANSWER)[0].partition(USER)
    return before + user + (family.opening or between)


def specials(tokeniser) -> dict[str, int]:
    return tokeniser.description.specials


def whole(tokeniser, text: str) -> tuple[int, ...]:
    """The tokens of a text whose special tokens are parsed, each stretch between them as one."""
    known = specials(tokeniser)
    ids: list[int] = []
    for part in re.split("(" + "|".join(map(re.escape, known)) + ")", text):
        ids += [known[part]] if part in known else tokeniser.encode([part], closed=True)[0][0]
    return tuple(ids)
