"""What stands around a prompt's content: the beginning token once, an answer outside of a thought,
and what ends it."""

from __future__ import annotations

import msgspec
import pytest
from in_process import InProcess, WordModel

from appliance.encode.frame import Frame, chat_frame, raw_frame
from appliance.encode.tokens import Tokeniser
from appliance.encode.turns import CANNOT_SWITCH, note, turns
from appliance.errors import InputError

TURN = "<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n"
BEGUN = "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
CHATML = "{% for m in messages %}" + TURN + "{% endfor %}" + BEGUN
BOS, END = 2, 1


def tokeniser(template: str, *, bos: bool = False) -> Tokeniser:
    return InProcess(WordModel(template, bos=bos)).tokeniser()


def frame(template: str, *, bos: bool = False) -> Frame:
    return chat_frame(tokeniser(template, bos=bos))


def talk(user: str, assistant: str, begun: str = "") -> str:
    """A template with the two turns, and the generation prompt ``begun``."""
    return (
        "{% for m in messages %}{% if m.role == 'user' %}"
        + user
        + "{% else %}"
        + assistant
        + "{% endif %}{% endfor %}{% if add_generation_prompt %}"
        + begun
        + "{% endif %}"
    )


def thinking(begun: str, answered: str = "", more: str = "") -> str:
    """A template whose assistant's turn begins so, and whose past turns begin with ``answered``."""
    return more + talk(
        "<|start|>{{ m.content }}<|end|>",
        f"<|start|>{answered}{{{{ m.content }}}}<|end|>",
        f"<|start|>{begun}",
    )


@pytest.mark.parametrize("bos", [True, False], ids=["added", "not added"])
@pytest.mark.parametrize("start", ["{{ bos_token }}", "<s>", "", "\n<s>"])
def test_a_sequence_begins_with_one_beginning_token_or_with_none(start, bos):
    before = frame(start + CHATML, bos=bos).before
    assert before.count(BOS) == (1 if start or bos else 0)
    assert raw_frame(tokeniser(CHATML, bos=bos)).before == ((BOS,) if bos else ())


@pytest.mark.parametrize("bos", [True, False], ids=["added", "not added"])
def test_a_template_without_special_tokens_begins_as_its_model_asks(bos):
    assert frame(talk("Q: {{ m.content }}", "{{ m.content }}"), bos=bos).before == (2,) * bos


def test_what_ends_the_users_turn_does_not_end_an_answer():
    found = frame(talk("<|start|>{{ m.content }}<|start|>", " {{ m.content }}{{ eos_token }}"))
    assert (found.between, found.glue, found.tail, found.end) == ((0,), " ", "", END)


def test_text_before_the_token_that_ends_an_answer_belongs_to_the_answer():
    found = frame(talk("Q {{ m.content }}", "A {{ m.content }} .\n<|end|>"))
    assert (found.trail, found.between, found.tail, found.end) == ("A ", (), " .\n", END)


@pytest.mark.parametrize(("after", "tail"), [("", ""), ("\n\n", ""), ("\n# end\n", "\n# end")])
def test_an_answer_that_no_special_token_follows_ends_with_the_models_own(after, tail):
    found = frame(talk("Q {{ m.content }}\n", "A {{ m.content }}{{ '" + after + "' }}"))
    assert (found.tail, found.end) == (tail, END)


def test_an_answer_that_nothing_ends_is_refused():
    given = tokeniser(talk("Q {{ m.content }}\n", "A {{ m.content }}"))
    endless = msgspec.structs.replace(given.description, eos=None)
    with pytest.raises(InputError, match="ends an answer with no special token"):
        chat_frame(Tokeniser(given.models, "model", endless))


@pytest.mark.parametrize(
    ("template", "between"),
    [
        (thinking("<think>\n"), "<think>\n\n</think>\n\n"),
        (thinking("<think>"), "<think>\n\n</think>\n\n"),
        (thinking("<thought>\n"), "<thought>\n\n</thought>\n\n"),
        (thinking("</think>"), "</think>"),
        (thinking("<think></think>\n"), "<think></think>\n"),
        (thinking("<think>\n", "<think>\n\n</think>\n\n"), "<think>\n\n</think>\n\n"),
        (thinking("", "final:"), "final:"),
        (thinking("Here is what I think:\n"), ""),
    ],
    ids=["r1", "open", "tag", "closed", "empty", "past", "channel", "words"],
)
def test_an_answer_stands_outside_of_a_thought(template, between):
    assert turns(template).between == f"<|end|><|start|>{between}"
    assert not turns(template).note


SWITCH = "{% if not enable_thinking %}Do not <think>.{% endif %}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (CHATML, ""),
        (thinking("", "{{ ''.split('</think>')[-1] }}"), CANNOT_SWITCH),
        (thinking("", more="Write <think> first."), CANNOT_SWITCH),
        (thinking("", more=SWITCH), ""),
        (thinking("<think>\n"), ""),
        ("{{ raise_exception('no') }}", "its chat template cannot be used"),
        ("{{ messages[0].content }}", "drops or changes the content of message 2"),
    ],
    ids=["plain", "strips", "told", "switched", "closed", "fails", "no answer"],
)
def test_a_template_that_cannot_switch_thinking_off_is_noted(template, said):
    assert said in note(template) and bool(note(template)) == bool(said)
