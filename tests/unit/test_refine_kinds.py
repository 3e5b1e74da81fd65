"""Gradients and edits for prompts of every form."""

from __future__ import annotations

import pytest
import tiny_tasks
from in_process import TASK, InProcess, MemoryJournal
from scripted_model import ScriptedModel

from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Body, Prices, Workbench
from appliance.prompts.prompt import Prompt, Section
from appliance.prompts.render import asked, literals
from appliance.refine.edit import local_edits
from appliance.refine.gradient import Gradient, gradient
from appliance.refine.locate import Span, grow
from appliance.refine.vocabulary import Vocabulary
from appliance.task import Label, Task
from models.engine import Differentiate, Gradients, Propose

TASKS = {name: tiny_tasks.loaded(name) for name in tiny_tasks.tasks()}
PRIVATE = 6
"""Cases whose gradient is taken."""


def evaluator(name: str, folder) -> Evaluator:
    models = InProcess(ScriptedModel(folder))
    bodies = {role: Body("m", role, Prices(0.01, 0.01, 0.01)) for role in ("search", "twin")}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    return Evaluator(bench, Renderer(TASKS[name].task, TASKS[name].rows, models.tokeniser()))


def requests(found: Evaluator, kind: type) -> list:
    return [request for request in found.bench.models.calls if isinstance(request, kind)]


@pytest.mark.parametrize("name", TASKS)
def test_there_is_a_decision_for_every_question_of_every_case(name, tmp_path):
    loaded = TASKS[name]
    cases, using = loaded.cases["tuning"][:PRIVATE], evaluator(name, tmp_path)
    found = gradient(using, loaded.seed, cases, 1.0, {})
    [request] = requests(using, Differentiate)
    questions = [asked(loaded.task, case) for case in cases]
    per_case = [len(q) if loaded.seed.form == "yesno" else 1 for q in questions]
    assert len(request.choices) == sum(per_case)
    answers = {len(choice.plain) for choice in request.choices}
    if loaded.seed.form == "yesno":
        assert answers == {2}
    elif loaded.seed.form == "choice" or loaded.task.match == "choice":
        assert answers == {len(cases[0].options)}
    else:
        assert answers == {1} and all(not choice.free for choice in request.choices)
    where = {literals(loaded.seed)[literal].where for literal, _, _ in found.owners}
    assert where == {"task", "example"}


@pytest.mark.parametrize("name", TASKS)
def test_no_private_row_stands_in_what_a_model_is_to_continue(name, tmp_path):
    loaded = TASKS[name]
    cases, using = loaded.cases["tuning"][:PRIVATE], evaluator(name, tmp_path)
    found = gradient(using, loaded.seed, cases, 1.0, {})
    spans = grow(found.owners, found.reply.norms, len(found.owners))
    vocabulary = Vocabulary(using.bench, using.renderer.tokeniser)
    local_edits(vocabulary, loaded.task, loaded.seed, found, spans)
    [request] = requests(using, Propose)
    read = [bytes(prefix).decode() for prefix in request.prefixes]
    assert read
    private = {row.text for case in cases for row in (case.query, *case.support)}
    private |= {case.query.question for case in cases if case.query.question}
    shown = {loaded.rows[row].question for row in loaded.seed.shots}
    for text in read:
        assert not any(row in text for row in private - shown)
        assert not any(case.query.reasoning in text for case in cases if case.query.reasoning)


SPAN_TEXT = "Answer yes or no. "
YES_NO = Prompt((Section("task", SPAN_TEXT),), "{text}\n{label}? {answer}\n")


def edited(prompt: Prompt, word: str, task: Task = TASK) -> list[str]:
    """The operators that would change a word of the prompt's first literal."""
    text = literals(prompt)[0].text
    start = len(text[: text.index(word)].encode())
    span = (0, start, start + len(word.encode()))
    found = Gradient((span,), ((),), Gradients((), (1.0,), (((65, 1.0), (66, 0.5)),), 1))
    models = InProcess(ScriptedModel(None))
    bench = Workbench(models, {}, MemoryJournal(), lambda: None)
    edits = local_edits(
        Vocabulary(bench, models.tokeniser()), task, prompt, found, [Span(*span, (0,), 0)]
    )
    return [edit.operator for edit in edits]


def test_words_that_answers_are_written_with_are_not_edited():
    every = ["swap", "swap", "delete"]
    assert edited(YES_NO, "yes") == edited(YES_NO, "no") == edited(YES_NO, "r yes o") == []
    assert edited(YES_NO, "Answer") == edited(YES_NO, "or") == every
    other = Prompt(YES_NO.sections, YES_NO.example, words=("true", "false"))
    assert edited(other, "yes") == every
    chosen = Prompt((Section("task", SPAN_TEXT),), "{text}\n{label}\n")
    assert edited(chosen, "yes") == every


FEELINGS = Task(
    "feelings", "classify", "fixed",
    (Label("pos", words="positive"), Label("çok kötü"), Label("none of both")), none="none of both",
)  # fmt: skip


@pytest.mark.parametrize("wording", ["plain", "upper", "title", "snake", "quoted"])
def test_labels_that_are_chosen_among_are_not_edited_however_they_are_written(wording):
    text = "İyi: answer Positive, çok kötü or none of both. A pos is not a positively. "
    prompt = Prompt((Section("task", text),), "{text}\n{label}\n", wording=wording)
    for word in ("Positive", "kötü", "none of both", "both. A", "r P"):
        assert edited(prompt, word, FEELINGS) == []
    for word in ("answer", "pos is", "positively", "İyi"):
        assert len(edited(prompt, word, FEELINGS)) > 1


def test_words_of_a_table_are_not_edited_where_they_are_written_for_the_labels():
    table = Prompt(
        (Section("task", "Say great or awful, never pos. "),), "{text}\n{label}\n",
        words=("great", "awful", "neither"),
    )  # fmt: skip
    assert edited(table, "great", FEELINGS) == edited(table, "awful", FEELINGS) == []
    assert len(edited(table, "pos", FEELINGS)) > 1


def test_a_model_goes_on_from_a_question_whose_entities_and_support_are_marked(tmp_path):
    loaded, using = TASKS["episodes"], evaluator("episodes", tmp_path)
    found = gradient(using, loaded.seed, loaded.cases["tuning"][:1], 1.0, {})
    read = max((bytes(before).decode() for before in found.before), key=len)
    nothing = "<subject>N/A</subject> <object>N/A</object>"
    assert f"Support sentence: {nothing}\nQuery sentence: {nothing}\nAnswer:" in read


def test_a_task_without_support_has_none_to_go_on_from(tmp_path):
    loaded, using = TASKS["relation"], evaluator("relation", tmp_path)
    asks = TASKS["episodes"].seed
    found = gradient(using, asks, loaded.cases["tuning"][:1], 1.0, {})
    read = max((bytes(before).decode() for before in found.before), key=len)
    assert "Support sentence: \nQuery sentence: <subject>N/A</subject>" in read
