"""A row answered as a device answers it: as the evaluator does, without knowing what is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import tiny_tasks
from in_process import InProcess, MemoryJournal
from scripted_model import ScriptedModel

from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Body, Prices, Workbench
from appliance.prompts.prompt import Prompt, Section
from appliance.scoring.predict import Answer, predict, predict_rows
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import MULTIPLE, Case, Example
from models.engine import Generate, Generated, Score, Scores

TESTS = Path(__file__).parents[1]
SEEDS = {name: tiny_tasks.loaded(name).seed for name in tiny_tasks.tasks()}
STEPS = Prompt((), "Question: {text}\nReasoning: {reasoning}\nSo the answer is: {answer}\n\n")
PROMPTS = {
    **{(name, "seed"): seed for name, seed in SEEDS.items()},
    ("choice", "after reasoning"): STEPS,
    ("answer", "at once"): Prompt(
        (Section("task", "Answer with one number and nothing else.\n\n"),),
        "Sum: {text}\nIt is: {answer}\n",
    ),
    ("spans", "as tags"): msgspec.structs.replace(SEEDS["spans"], output="tags"),
    ("relation", "calibrated"): msgspec.structs.replace(
        SEEDS["relation"], weight=0.5, bias=(0.5, 0.0, -0.25, 0.0)
    ),
    ("classify", "as a chat"): msgspec.structs.replace(SEEDS["classify"], mode="chat"),
    ("several", "boldly"): msgspec.structs.replace(SEEDS["several"], threshold=-0.25),
}


class Device:
    """An engine that is asked as a device asks one."""

    def __init__(self, folder: Path) -> None:
        self.models = InProcess(ScriptedModel(folder))

    def renderer(self, name: str) -> Renderer:
        loaded = tiny_tasks.loaded(name)
        return Renderer(loaded.task, loaded.rows, self.models.tokeniser())

    def score(self, request: Score) -> Scores:
        reply = self.models.call("model", request)
        assert isinstance(reply, Scores)
        return reply

    def generate(self, request: Generate) -> Generated:
        reply = self.models.call("model", request)
        assert isinstance(reply, Generated)
        return reply


@pytest.fixture
def device(tmp_path) -> Device:
    return Device(tmp_path)


def answers(device: Device, name: str, prompt: Prompt, cases: list[Case]) -> list[Answer]:
    using = device.renderer(name)
    return [
        predict(device, using, prompt, case.query, labels=case.labels, support=case.support)
        for case in cases
    ]


def evaluated(folder: Path, name: str, prompt: Prompt, cases: list[Case]) -> list:
    device = Device(folder)
    bodies = {"serving": Body("model", "model", Prices(1.0))}
    bench = Workbench(device.models, bodies, MemoryJournal(), lambda: None)
    return Evaluator(bench, device.renderer(name)).score(prompt, cases, "serving")


@pytest.mark.parametrize(("name", "how"), PROMPTS)
def test_a_device_answers_as_the_evaluator_does(device, tmp_path, name, how):
    prompt, cases = PROMPTS[name, how], tiny_tasks.splits(name)["selection"]
    found = evaluated(tmp_path, name, prompt, cases)
    told = answers(device, name, prompt, cases)
    assert [answer.text for answer in told] == [outcome.predicted(prompt) for outcome in found]
    assert [answer.probability for answer in told] == [one.confidence(prompt) for one in found]
    assert len({answer.text for answer in told}) > 1


@pytest.mark.parametrize(("name", "how"), PROMPTS)
def test_what_is_right_changes_no_answer(device, name, how):
    prompt, cases = PROMPTS[name, how], tiny_tasks.splits(name)["selection"]
    unlabelled = [
        msgspec.structs.replace(
            case,
            query=msgspec.structs.replace(
                case.query, label="", labels=(), answers=(), reasoning="", spans=()
            ),
        )
        for case in cases
    ]
    assert unlabelled != cases
    assert answers(device, name, prompt, unlabelled) == answers(device, name, prompt, cases)


@pytest.mark.parametrize("name", ["answer", "reading", "spans"])
def test_no_right_answer_is_scored_where_none_is_known(device, name):
    [told, *_] = answers(device, name, SEEDS[name], tiny_tasks.cases(name)[:1])
    assert told.probability is None and not told.withheld
    assert {type(call) for call in device.models.calls} == {Generate}


@pytest.mark.parametrize("name", ["relation", "episodes", "classify", "several", "choice"])
def test_an_answer_below_the_abstention_threshold_is_withheld(device, name):
    cases = tiny_tasks.splits(name)["selection"]
    certain = sorted({a.probability for a in answers(device, name, SEEDS[name], cases)})
    prompt = msgspec.structs.replace(SEEDS[name], abstain=certain[1])
    told = answers(device, name, prompt, cases)
    assert [a.withheld for a in told] == [a.probability == certain[0] for a in told]
    assert not any(a.withheld for a in answers(device, name, SEEDS[name], cases))


def test_a_row_may_have_all_labels_of_its_task_unless_some_are_named(device):
    row = Example("In 1900 Ada sold Vell.", (8, 11), (17, 21))
    using = device.renderer("relation")
    every = tuple(label.name for label in using.task.labels)
    told = predict(device, using, SEEDS["relation"], row)
    assert told == predict(device, using, SEEDS["relation"], row, labels=every)
    one = predict(device, using, SEEDS["relation"], row, labels=("left",))
    assert one == Answer("left", 1.0, False, margin=1.0)


def test_where_some_labels_are_named_each_keeps_its_own_bias(device):
    row = Example("In 1900 Ada sold Vell.", (8, 11), (17, 21))
    using = device.renderer("relation")
    every = tuple(label.name for label in using.task.labels)
    for at, name in enumerate(every):
        biased = tuple(-40.0 if n == at else 0.0 for n in range(len(every)))
        prompt = msgspec.structs.replace(SEEDS["relation"], bias=biased)
        others = tuple(other for other in every if other != name)
        told = predict(device, using, prompt, row, labels=(*others[::-1], name))
        assert told.text == name and told.probability > 0.99


PROBE = """
import json, sys
from pathlib import Path
from scripted_model import ScriptedModel
from appliance.encode.renderer import Renderer
from appliance.encode.tokens import Tokeniser
from appliance.prompts.prompt import Prompt
from appliance.scoring.predict import predict
from appliance.task import Example, Label, Task
from models.engine import Describe

class Device:
    model = ScriptedModel(Path(sys.argv[1]))
    def call(self, name, request): return self.model.handle(request)
    def score(self, request): return self.model.handle(request)
    generate = score

task = Task("topics", "classify", "fixed", (Label("trade"), Label("sport")))
using = Renderer(task, {}, Tokeniser(Device(), "model", Device.model.handle(Describe())))
prompt = Prompt((), "Text: {text}\\nLabel: {label}\\n\\n", mode="chat")
print(json.dumps([predict(Device(), using, prompt, Example("sport")).text, [*sys.modules]]))
"""


def test_answering_a_row_loads_neither_the_store_nor_what_only_tuning_needs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)],
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer, loaded = json.loads(done.stdout)
    assert answer == "sport"
    heavy = {"store", "numpy", "scipy", "jinja2", "sqlite_utils", "models.pool", "models.child"}
    rooms = {"data", "evaluate", "statistics", "calibrate", "search", "run", "cli"}
    assert not {*loaded} & (heavy | {f"appliance.{room}" for room in rooms})


@pytest.mark.parametrize(("name", "how"), PROMPTS)
def test_rows_together_are_answered_as_one_by_one(device, name, how):
    prompt, using = PROMPTS[name, how], device.renderer(name)
    if using.task.protocol == "episodes":
        pytest.skip("each episode has labels and support of its own")
    rows = [case.query for case in tiny_tasks.splits(name)["selection"]]
    together = predict_rows(device, using, prompt, rows)
    assert together == [predict(device, using, prompt, row) for row in rows]


@pytest.mark.parametrize("name", ["relation", "classify", "choice"])
def test_the_runner_up_is_the_likeliest_option_that_was_not_answered(device, name):
    cases = tiny_tasks.splits(name)["selection"]
    for case, told in zip(cases, answers(device, name, SEEDS[name], cases), strict=True):
        second = told.runner_up
        assert second.text in case.options and second.text != told.text
        assert second.probability <= told.probability
        assert told.margin == pytest.approx(told.probability - second.probability, abs=1e-3)
        rest = 1 - told.probability - second.probability
        assert rest <= (len(case.options) - 2) * second.probability + 1e-3


def outcome(*margins: float, several: bool = True) -> YesNoOutcome:
    """Labels a, b, c, ... with these margins, all of which types allow."""
    labels, n = tuple("abcd"[: len(margins)]), len(margins)
    return YesNoOutcome(
        "c", labels, (False,) * n, margins, (0.0,) * n, (True,) * n, "none", several
    )


def test_the_runner_up_of_yes_no_questions_is_the_likeliest_label_without_a_yes():
    by = SEEDS["several"]
    assert outcome(2.0, -1.0, -3.0).runner_up(by) == ("b", 0.2689)
    assert outcome(2.0, 1.0).runner_up(by) is None
    assert outcome(-4.0, -1.0).predicted(by) == "none"
    assert outcome(-4.0, -1.0).runner_up(by) == ("b", 0.2689)
    several_yes = outcome(1.0, 2.0, several=False)
    assert several_yes.predicted(by) == MULTIPLE
    assert several_yes.runner_up(by) == ("b", 0.8808)


def test_the_margin_of_yes_no_questions_is_that_of_the_least_certain_one():
    by = SEEDS["several"]
    assert outcome(3.0, -0.1, -3.0).margin(by) == pytest.approx(0.05, abs=1e-3)
    assert outcome(3.0, -900.0).runner_up(by).probability == 0.0
    assert outcome(0.01).runner_up(by) is None and outcome(0.01).margin(by) < 0.01
