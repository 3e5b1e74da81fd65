"""Answers that a model writes: what it is asked to write, and what was meant by it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import tiny_tasks
from in_process import InProcess, MemoryJournal
from scripted_model import ScriptedModel

from appliance.calibrate.fitted import Fit
from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import BLOCK, Evaluator
from appliance.evaluate.workbench import Body, Prices, Workbench
from appliance.kinds import KINDS
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import MISS, Scored, Written
from appliance.scoring.written import (
    REASONING,
    read,
    request,
    thinking,
    units,
)
from appliance.task import (
    Case,
    Example,
    Label,
    Task,
)
from models.engine import Generate, Score

OPENINGS = ((1, 2), (3,))
DIRECT = Prompt((), "Q: {text}\nA: {answer}\n\n")
STEPS = Prompt((), "Q: {text}\nThink: {reasoning}\nSo the answer is: {answer}\n\n")
SUMS = Task("sums", "answer", "fixed", ())
READING = Task("passages", "reading", "fixed", (), metric="token_f1")
NAMES = Task("names", "spans", "fixed", (Label("person"), Label("place")), metric="span_f1")
PLAIN = Fit(0.0)


def test_reasoning_is_the_likeliest_and_ends_where_the_answer_is_drawn_out():
    asked = thinking(STEPS, OPENINGS)
    assert (asked.prompts, asked.n, asked.temperature) == (OPENINGS, 1, 0.0)
    assert asked.max_tokens == REASONING
    assert asked.stop == ("So the answer is:", "Q:")


@pytest.mark.parametrize(("task", "kind"), [(SUMS, "answer"), (READING, "reading")])
def test_an_answer_is_the_likeliest_line(task, kind):
    asked = request(task, DIRECT, OPENINGS, KINDS[kind].longest)
    assert asked == Generate(
        prompts=OPENINGS, max_tokens=KINDS[kind].longest, temperature=0.0, stop=("\n",)
    )


@pytest.mark.parametrize("output", ["json", "tags"])
def test_a_grammar_holds_entities_to_the_form_and_the_types(output):
    asked = request(NAMES, msgspec.structs.replace(DIRECT, output=output), OPENINGS, 96)
    assert "root" in asked.grammar and "person" in asked.grammar and "place" in asked.grammar
    assert (asked.max_tokens, asked.temperature) == (96, 0.0)
    other = request(NAMES, msgspec.structs.replace(DIRECT, output="json"), OPENINGS, 96)
    assert (asked.grammar == other.grammar) == (output == "json")


@pytest.mark.parametrize(
    ("match", "written", "right"),
    [
        ("exact", " Four. ", True),
        ("exact", "five", False),
        ("numeric", "It is 4.0, or so", True),
        ("numeric", "It is 5", False),
        ("numeric", "I do not know", False),
    ],
)
def test_an_answer_is_right_as_the_task_compares_it(match, written, right):
    task = msgspec.structs.replace(SUMS, match=match)
    asked = Case(Example("2 + 2", answers=("4", "four")))
    found = read(task, DIRECT, asked, written, 1.23456)
    assert (found.case, found.nll) == (asked.id, 1.2346)
    assert (found.exact, found.right, found.correct(PLAIN)) == (right, float(right), right)
    assert found.counts == ((1, 0, 0) if right else (0, 1, 1))


def test_a_reading_is_right_as_far_as_its_words_are():
    asked = Case(Example("...", question="Who?", answers=("the old man", "a man")))
    whole = read(READING, DIRECT, asked, " The old man. ", 0.0)
    assert (whole.exact, whole.right) == (True, 1.0)
    part = read(READING, DIRECT, asked, "an old man from Ostrand", 0.0)
    assert not part.exact and 0 < part.right < 1
    nothing = read(READING, DIRECT, asked, "nobody", 0.0)
    assert (nothing.exact, nothing.right, nothing.counts) == (False, 0.0, (0, 1, 1))


ROW = Case(Example("Ada met Bo in Vell.", spans=((0, 3, "person"), (8, 10, "person"),
                                                 (14, 18, "place"))))  # fmt: skip


@pytest.mark.parametrize(
    ("output", "written"),
    [
        ("json", '[{"type": "person", "text": "Ada"}, {"type": "place", "text": "Bo"}]'),
        ("tags", "<person>Ada</person> met <place>Bo</place> in Vell."),
    ],
)
def test_entities_are_right_with_their_extent_and_type(output, written):
    prompt = msgspec.structs.replace(DIRECT, output=output)
    found = read(NAMES, prompt, ROW, written, 0.5)
    assert found.counts == (1, 1, 2) and found.right == round(2 / 5, 4)
    assert not found.exact and "Ada" in found.text and "Bo" in found.text


@pytest.mark.parametrize(("output", "written"), [("json", "[]"), ("tags", "It rains.")])
def test_a_text_without_entities_in_which_none_is_found_is_right(output, written):
    prompt = msgspec.structs.replace(DIRECT, output=output)
    found = read(NAMES, prompt, Case(Example("It rains.")), written, 0.5)
    assert (found.exact, found.right, found.counts) == (True, 1.0, (0, 0, 0))


def test_a_loss_counts_an_answer_by_what_it_says_however_a_prompt_has_it_written():
    assert units(ROW) == 1 + 3 * 2
    assert units(Case(Example("Ada Lowe left.", spans=((0, 8, "person"),)))) == 4
    assert units(Case(Example("It rains."))) == 1
    assert units(Case(Example("2 + 2", answers=("4", "It is four")))) == 2
    assert units(Case(Example("...", question="Who?", answers=("the old man",)))) == 3
    assert units(Case(Example("...", question="谁？", answers=("老人",)))) == 3


@pytest.mark.parametrize("separator", [" ###\n", "\n---\n", ".\n", "\n"])
def test_the_end_of_an_answer_is_no_part_of_it(separator):
    prompt = Prompt((), "Q: {text}\nA: {answer}" + separator)
    asked = Case(Example("Where?", answers=("Ostrand",)))
    for written in ("Ostrand" + separator.partition("\n")[0], " Ostrand "):
        assert read(SUMS, prompt, asked, written, 0.5).exact


def test_a_missed_entity_costs_more_than_a_wrong_one():
    def cost(written: str) -> float:
        return read(NAMES, DIRECT, ROW, written, 0.5).error(PLAIN, "span_f1")

    assert cost("[]") == pytest.approx(3 * MISS / (1 + MISS))
    found = '[{"type": "person", "text": "Ada"}, {"type": "place", "text": "Bo"}]'
    assert cost(found) == pytest.approx((1 + 2 * MISS) / (1 + MISS))


@pytest.mark.parametrize("written", ["", "[", "no JSON", "null", '[{"type": "x"}]', "\x00"])
def test_what_cannot_be_read_finds_nothing(written):
    found = read(NAMES, DIRECT, ROW, written, 0.5)
    assert found.counts == (0, 0, 3) and found.right == 0.0


def evaluator(kind: str) -> tuple[Evaluator, InProcess, list[Case]]:
    loaded = tiny_tasks.loaded(kind)
    models = InProcess(ScriptedModel(Path("/nonexistent")))
    models.engine._count = lambda: None
    bodies = {role: Body("m", role, Prices(1.0)) for role in ("search", "serving")}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    renderer = Renderer(loaded.task, loaded.rows, models.tokeniser())
    return Evaluator(bench, renderer), models, loaded.cases["tuning"][:6]


def kinds(models: InProcess) -> list[type]:
    return [type(call) for call in models.calls]


def test_a_written_answer_is_scored_and_then_written():
    using, models, cases = evaluator("answer")
    found = using.score(DIRECT, cases)
    assert kinds(models) == [Score, Generate]
    assert all(isinstance(outcome, Written) and outcome.nll > 0 for outcome in found)
    assert [outcome.case for outcome in found] == [case.id for case in cases]


def test_reasoning_is_written_first_and_the_answer_is_read_after_it():
    using, models, cases = evaluator("answer")
    using.score(STEPS, cases)
    assert kinds(models) == [Generate, Score, Generate]
    thought, scored, answered = models.calls
    assert thought.max_tokens == REASONING and answered.max_tokens == KINDS["answer"].longest
    for before, after in zip(thought.prompts, answered.prompts, strict=True):
        more = bytes(after)[len(before) :].decode()
        assert more.startswith(" It is (") and more.endswith(").\nSo the answer is:")
    assert any(b"It is (" in bytes(segment.tokens) for segment in scored.segments)


def test_choices_are_scored_and_never_written_but_for_their_reasoning():
    using, models, cases = evaluator("choice")
    found = using.score(DIRECT, cases)
    assert kinds(models) == [Score] and all(isinstance(outcome, Scored) for outcome in found)
    assert [outcome.labels for outcome in found] == [case.query.choices for case in cases]
    models.calls.clear()
    using.score(STEPS, cases)
    assert kinds(models) == [Generate, Score]


def test_blocks_are_asked_one_after_the_other():
    using, models, cases = evaluator("answer")
    found = using.score(DIRECT, [cases[i % 6] for i in range(BLOCK + 1)])
    assert kinds(models) == [Score, Generate] * 2 and len(found) == BLOCK + 1


def test_prompts_that_differ_in_what_is_written_alone_are_two():
    """How entities are written shows in no demonstration where there is none."""
    using, _, cases = evaluator("spans")
    prompt = msgspec.structs.replace(DIRECT, shots=())
    bare = [Case(Example(case.query.text), case.labels) for case in cases]
    tags = msgspec.structs.replace(prompt, output="tags")
    assert using.asked(prompt, bare) != using.asked(tags, bare)
    assert using.asked(prompt, bare) == using.asked(msgspec.structs.replace(prompt, weight=1), bare)
