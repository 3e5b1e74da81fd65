"""A block of cases on one sheet, and what a model continues that writes its answer."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, InProcess, WordModel, case, row
from scripted_model import ScriptedModel

from appliance.encode.renderer import Renderer
from appliance.encode.tokens import Tokeniser
from appliance.prompts.prompt import Prompt, Section
from appliance.prompts.render import opening
from appliance.task import Case, Example, Task
from models.engine import Segment

TOKENISER = InProcess(WordModel()).tokeniser()
TASKS = Renderer(TASK, {}, TOKENISER)
SUMS = Task("sums", "answer", "fixed", ())
DIRECT = Prompt((Section("task", "Work it out.\n\n"),), "Sum: {text}\nIt is: {answer}\n\n")
STEPS = msgspec.structs.replace(
    DIRECT, example="Sum: {text}\nThink: {reasoning}\nSo the answer is: {answer}\n\n"
)
YES_NO = Prompt((), "{text}\n{label}? {answer}\n")
CASES = [case(row("Cleo", "Wick")), case(row("Dora", "Yarrow", "author"))]
ASKED = [
    Case(Example("one and two", answers=("three",))),
    Case(Example("two and 2 ", answers=("4",))),
]


def tokeniser(model: str) -> Tokeniser:
    return TOKENISER if model == "words" else InProcess(ScriptedModel(Path("unused"))).tokeniser()


def spelled(segments: tuple[Segment, ...], segment: int) -> tuple[int, ...]:
    tokens: tuple[int, ...] = ()
    while segment >= 0:
        tokens = segments[segment].tokens + tokens
        segment = segments[segment].parent
    return tokens


def test_a_yes_no_prompt_has_a_question_a_label_and_two_answers_a_question():
    sheet = TASKS.sheet(YES_NO, CASES)
    for questions in (sheet.plain, sheet.free):
        assert [[len(answers) for answers in each] for each in questions] == [[2] * 3] * 2
    texts = [
        [TOKENISER.decode([spelled(sheet.segments, answer)])[0] for answer in answers]
        for answers in sheet.plain[1]
    ]
    stem = "Dora set up Yarrow.\n"
    assert texts == [[f"{stem}{y}? yes\n", f"{stem}{y}? no\n"] for y in LABELS]
    assert sheet.channel == []


def test_the_cases_of_a_yes_no_block_share_what_is_asked_without_content():
    sheet = TASKS.sheet(YES_NO, CASES)
    assert sheet.free[0] == sheet.free[1] and len(set(sheet.free[0])) == len(LABELS)


def test_a_channel_reads_the_row_under_each_label():
    prompt = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n", channel_weight=0.5)
    sheet = TASKS.sheet(prompt, CASES)
    assert [len(rows) for rows in sheet.channel] == [3, 3] and len(sheet.plain) == 2
    for each, asked in zip(sheet.channel, CASES, strict=True):
        for label, segment in zip(LABELS, each, strict=True):
            whole = TOKENISER.decode([spelled(sheet.segments, segment)])[0]
            assert whole.endswith(f"{label}: {asked.query.text}\n")
            own = sheet.segments[segment]
            [read] = TOKENISER.decode([own.tokens[len(own.tokens) - own.read :]])
            assert read.strip() == asked.query.text
    assert len(TASKS.sheet(PROMPT, CASES).channel) == 0


@pytest.mark.parametrize("model", ["words", "bytes"])
@pytest.mark.parametrize("mode", ["raw", "chat"])
@pytest.mark.parametrize(
    ("prompt", "said"), [(DIRECT, None), (STEPS, ["so to say", "Hm. "])], ids=["direct", "steps"]
)
def test_an_answer_is_read_after_just_what_its_model_would_continue(model, mode, prompt, said):
    using = Renderer(SUMS, {}, tokeniser(model))
    prompt = msgspec.structs.replace(prompt, mode=mode)
    openings = using.openings(prompt, ASKED, said)
    sheet = using.sheet(prompt, ASKED, said)
    for start, [[answer]] in zip(openings, sheet.plain, strict=True):
        assert spelled(sheet.segments, answer)[: len(start)] == start


@pytest.mark.parametrize("model", ["words", "bytes"])
@pytest.mark.parametrize("prompt", [DIRECT, STEPS], ids=["direct", "steps"])
def test_what_a_model_continues_ends_without_a_space(model, prompt):
    using = Renderer(SUMS, {}, tokeniser(model))
    raw = using.tokeniser.decode(using.openings(prompt, ASKED))
    for text, asked in zip(raw, ASKED, strict=True):
        assert text == opening(prompt, SUMS, asked, ()).rstrip(" ") and text.endswith(":")
    if prompt is STEPS:
        raw = using.tokeniser.decode(using.openings(prompt, ASKED, ["a", "b "]))
        assert [text.endswith("So the answer is:") for text in raw] == [True, True]


def test_a_chat_model_continues_where_its_turn_begins():
    chat = msgspec.structs.replace(STEPS, mode="chat")
    using = Renderer(SUMS, {}, TOKENISER)
    [thinking, _] = TOKENISER.decode(using.openings(chat, ASKED))
    content = "Work it out.\n\nSum: one and two\nThink: "
    assert thinking == f"<|start|>user\n{content}<|end|>\n<|start|>assistant\n"
    [answering, _] = TOKENISER.decode(using.openings(chat, ASKED, ["As said.", ""]))
    content += "As said.\nSo the answer is: "
    assert answering == f"<|start|>user\n{content}<|end|>\n<|start|>assistant\n"


def test_the_longest_sequence_of_a_case_is_known_in_every_form():
    using = Renderer(SUMS, {}, TOKENISER)
    for renderer, prompt, cases in (
        (TASKS, PROMPT, CASES),
        (TASKS, YES_NO, CASES),
        (using, STEPS, ASKED),
    ):
        sheet = renderer.sheet(prompt, cases)
        longest = [
            max(len(spelled(sheet.segments, s)) for answers in questions for s in answers)
            for questions in sheet.plain
        ]
        assert renderer.lengths(prompt, cases) == longest


@pytest.mark.parametrize("model", ["words", "bytes"])
def test_a_long_question_with_many_answers_is_put_together_once(model, monkeypatch):
    """A prompt may list 3,000 choices, each of which is an answer after all of that text."""
    choices = tuple(f"choice number {n} of many" for n in range(300))
    row = Example("Which one?", answers=choices[:1], choices=choices)
    task = msgspec.structs.replace(SUMS, match="choice")
    listing = Prompt((), "Question: {text}\nOptions: {choices}\nAnswer: {answer}\n\n")
    joined = []
    join = Tokeniser._join

    def counted(self, lines):
        joined.append(len(join(self, lines)[0]))
        return join(self, lines)

    monkeypatch.setattr(Tokeniser, "_join", counted)
    renderer = Renderer(task, {}, tokeniser(model))
    [length] = renderer.lengths(listing, [Case(row)])
    assert length > 1500 and sum(joined) < 5 * length
