"""From replies to outcomes and decisions, as the design defines them: sums of log-probabilities,
to 1e-4 of a nat."""

from __future__ import annotations

from math import exp, log

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, InProcess, MemoryJournal, many, row
from scripted_model import ScriptedModel

from appliance.encode.layout import Layout
from appliance.encode.renderer import Renderer, Sheet
from appliance.evaluate.decisions import decisions, with_channel
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import Body, Prices, Workbench
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import MISS, Scored
from appliance.scoring.replies import read_scores, totals
from appliance.scoring.yes_no import YesNoOutcome
from appliance.task import Case, Example, Label
from models.engine import Choice, Scores, Segment

CASE = many(1)[0]
YES_NO = Prompt((), "{text}\n{label}? {answer}\n")
WRITTEN = Prompt((), "{text} = {answer}\n")
NONE_TASK = msgspec.structs.replace(
    TASK, labels=(*TASK.labels, Label("no relation")), none="no relation"
)


def laid_out(read: int) -> Layout:
    """A trunk, then so many segments of two tokens that are read."""
    return Layout(segments=[Segment(-1, (1,)), *(Segment(0, (2, n), 2) for n in range(read))])


def replied(*totals: float) -> Scores:
    return Scores(tuple((total / 2, total / 2) for total in totals), 0, 0)


THREE_LABELS = Sheet(laid_out(6), [[(1, 2, 3)]], [[(4, 5, 6)]], [])
"""Each label after the query and after the query without content."""


def test_a_score_is_the_sum_over_the_answers_tokens_rounded_to_a_ten_thousandth():
    logprobs = tuple((-1.00004, -0.00003 - n / 10) for n in range(6))
    [scored] = read_scores(TASK, PROMPT, THREE_LABELS, Scores(logprobs, 0, 0), [CASE])
    assert scored == Scored(
        CASE.id, CASE.gold, (-1.0001, -1.1001, -1.2001), (-1.3001, -1.4001, -1.5001), LABELS
    )


def test_only_segments_that_are_read_have_a_total():
    assert totals(THREE_LABELS, replied(*(-float(n) for n in range(6)))) == {
        n + 1: -float(n) for n in range(6)
    }


def test_the_row_given_each_label_is_read_where_there_is_a_channel():
    sheet = Sheet(laid_out(9), [[(1, 2, 3)]], [[(4, 5, 6)]], [(7, 8, 9)])
    prompt = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n", channel_weight=0.5)
    [scored] = read_scores(TASK, prompt, sheet, replied(*range(9)), [CASE])
    assert isinstance(scored, Scored) and scored.channel == (6.0, 7.0, 8.0)


def test_none_of_the_above_has_its_place_among_a_cases_options():
    sheet = Sheet(laid_out(8), [[(1, 2, 3, 4)]], [[(5, 6, 7, 8)]], [])
    asked = Case(CASE.query, (*LABELS, "no relation"))
    [scored] = read_scores(NONE_TASK, PROMPT, sheet, replied(*range(8)), [asked])
    assert isinstance(scored, Scored) and scored.none == 3
    [scored] = read_scores(TASK, PROMPT, THREE_LABELS, replied(*range(6)), [CASE])
    assert isinstance(scored, Scored) and scored.none == -1


YES_NO_SHEET = Sheet(laid_out(12), [[(1, 2), (3, 4), (5, 6)]], [[(7, 8), (9, 10), (11, 12)]], [])


def test_a_margin_is_the_score_of_yes_less_that_of_no():
    asked = Case(row("Cleo", "Wick", "author"), (*LABELS, "no relation"))
    scores = (-1.0, -3.0, -5.0, -4.0, 0.0, -0.5, *(0.0, -1.0) * 3)
    [judged] = read_scores(NONE_TASK, YES_NO, YES_NO_SHEET, replied(*scores), [asked])
    assert judged == YesNoOutcome(
        case=asked.id,
        labels=LABELS,
        gold=(False, False, True),
        plain=(2.0, -1.0, 0.5),
        free=(1.0, 1.0, 1.0),
        allowed=(True, True, True),
        none="no relation",
    )


def test_every_label_that_a_text_has_is_right():
    task = msgspec.structs.replace(NONE_TASK, kind="classify", several=True)
    asked = Case(Example("A text.", labels=("founder", "author")), (*LABELS, "no relation"))
    [judged] = read_scores(task, YES_NO, YES_NO_SHEET, replied(*range(12)), [asked])
    assert isinstance(judged, YesNoOutcome)
    assert judged.gold == (True, False, True) and judged.several


@pytest.mark.parametrize(
    ("types", "allowed"),
    [
        (("PERSON", "ORG"), (True, True, False)),
        (("ORG", "PERSON"), (False, True, False)),
        (("PERSON", ""), (True, True, True)),
        (("", ""), (True, True, True)),
    ],
)
def test_types_rule_out_labels_that_cannot_hold_between_them_and_unknown_ones_none(types, allowed):
    labels = (
        Label("founder", pairs=(("PERSON", "ORG"), ("PERSON", "PERSON"))),
        Label("supplier of"),
        Label("author", pairs=(("PERSON", "WORK"),)),
    )
    task = msgspec.structs.replace(TASK, labels=labels)
    asked = Case(row("Cleo", "Wick", head_type=types[0], tail_type=types[1]), LABELS)
    [judged] = read_scores(task, YES_NO, YES_NO_SHEET, replied(*range(12)), [asked])
    assert isinstance(judged, YesNoOutcome) and judged.allowed == allowed


def test_a_choice_among_labels_is_one_decision():
    prompt = msgspec.structs.replace(PROMPT, weight=0.5, bias=(0.5, 0.0, -0.5))
    assert decisions(TASK, prompt, THREE_LABELS, [CASE], 0.25) == (
        Choice((1, 2, 3), (4, 5, 6), CASE.gold, 0.5, 0.25, (0.5, 0.0, -0.5)),
    )
    [plain] = decisions(TASK, PROMPT, THREE_LABELS, [CASE], 1.0)
    assert plain == Choice((1, 2, 3), (), CASE.gold, 0.0)


@pytest.mark.parametrize(("metric", "miss"), [("accuracy", 1.0), ("micro_f1", MISS)])
def test_each_yes_no_question_is_a_decision_with_its_labels_prior_and_the_threshold(metric, miss):
    prompt = msgspec.structs.replace(YES_NO, weight=1.0, bias=(1.0, 2.0, 3.0), threshold=0.5)
    asked = Case(row("Cleo", "Wick", "supplier of"), LABELS)
    task = msgspec.structs.replace(TASK, metric=metric)
    found = decisions(task, prompt, YES_NO_SHEET, [asked], 1.0)
    yes, no = 0, 1
    each = 1 / (miss + 2)
    assert found == (
        Choice((1, 2), (7, 8), no, 1.0, 1.0, (1.5, 0.0), each),
        Choice((3, 4), (9, 10), yes, 1.0, 1.0, (2.5, 0.0), miss * each),
        Choice((5, 6), (11, 12), no, 1.0, 1.0, (3.5, 0.0), each),
    )


PAIRS = tuple(Label(name, pairs=(pair,)) for name, pair in
              zip(LABELS, (("PERSON", "ORG"), ("ORG", "ORG"), ("PERSON", "WORK")), strict=True)
)  # fmt: skip


@pytest.mark.parametrize("label", ["founder", "author"])
def test_a_label_that_types_rule_out_is_no_decision_and_the_others_count_as_a_case(label):
    task = msgspec.structs.replace(TASK, labels=PAIRS, metric="micro_f1")
    asked = Case(row("Cleo", "Wick", label, head_type="PERSON", tail_type="ORG"), LABELS)
    [only] = decisions(task, YES_NO, YES_NO_SHEET, [asked], 1.0)
    assert (only.plain, only.counts) == ((1, 2), 1.0)


def test_where_types_rule_every_label_out_there_is_something_to_differentiate_all_the_same():
    task = msgspec.structs.replace(TASK, labels=PAIRS)
    asked = Case(row("Cleo", "Wick", head_type="WORK", tail_type="WORK"), LABELS)
    assert len(decisions(task, YES_NO, YES_NO_SHEET, [asked], 1.0)) == 3


@pytest.mark.parametrize("metric", ["accuracy", "micro_f1"])
def test_the_mean_loss_of_yes_no_decisions_is_that_of_a_race(metric):
    """Two cases, of which types leave the second one question."""
    task = msgspec.structs.replace(TASK, labels=PAIRS, metric=metric)
    prompt = msgspec.structs.replace(YES_NO, weight=0.5, bias=(0.5, -0.25, 1.0), threshold=0.25)
    cases = [
        Case(row("Cleo", "Wick", "author"), LABELS),
        Case(row("Bo", "Vell", "founder", head_type="PERSON", tail_type="ORG"), LABELS),
    ]
    segments = [
        [tuple(range(at, at + 2)) for at in range(start, start + 6, 2)] for start in (1, 7, 13, 19)
    ]
    sheet = Sheet(laid_out(24), segments[:2], segments[2:], [])
    scores = [round(-0.37 * (n * n % 11), 2) for n in range(24)]
    outcomes = read_scores(task, prompt, sheet, replied(*scores), cases)
    found = decisions(task, prompt, sheet, cases, 0.5)
    losses = [loss_of(choice, scores) for choice in found]
    weighed = sum(c.counts * loss for c, loss in zip(found, losses, strict=True))
    mean = sum(outcome.loss(prompt, metric, 0.5) for outcome in outcomes) / 2
    assert weighed / sum(c.counts for c in found) == pytest.approx(mean, abs=1e-4)


def test_the_loss_of_a_decision_with_a_channel_is_that_of_a_race():
    prompt = msgspec.structs.replace(
        PROMPT, reverse="{label}: {text}\n", weight=0.5, bias=(0.5, 0.0, -0.5), channel_weight=0.25
    )
    sheet = Sheet(laid_out(9), [[(1, 2, 3)]], [[(4, 5, 6)]], [(7, 8, 9)])
    scores = [-1.0, -2.5, -3.0, -0.5, -1.0, -0.25, -7.0, -4.0, -6.5]
    [scored] = read_scores(TASK, prompt, sheet, replied(*scores), [CASE])
    [choice] = decisions(TASK, prompt, sheet, [CASE], 0.5)
    found = loss_of(with_channel(choice, 0.25, scored.channel), scores)
    assert found == pytest.approx(scored.loss(prompt, "accuracy", 0.5), abs=1e-4)
    assert found != pytest.approx(loss_of(choice, scores), abs=1e-2)


def loss_of(choice: Choice, scores: list[float]) -> float:
    """As the twin takes it, of segments 1, 2, ... with these scores."""
    free = choice.free or choice.plain
    biases = choice.bias or (0.0,) * len(choice.plain)
    each = zip(choice.plain, free, biases, strict=True)
    found = [choice.inverse_temperature * (scores[s - 1] - choice.weight * scores[f - 1] - b)
             for s, f, b in each]  # fmt: skip
    return log(sum(map(exp, found))) - found[choice.gold]


def test_a_written_answer_is_a_decision_between_itself_and_nothing_as_sharp_as_its_loss():
    task = msgspec.structs.replace(TASK, kind="answer", labels=())
    sheet = Sheet(laid_out(1), [[(1,)]], [[()]], [])
    asked = Case(Example("1 + 1", answers=("2",)))
    assert decisions(task, WRITTEN, sheet, [asked], 1.0) == (Choice((1,), (), 0, 0.0, 0.5),)


def test_prompts_that_are_asked_together_score_as_they_do_alone_and_cost_less(tmp_path):
    """The instruction comes after the demonstrations, which all of them share."""
    shots = many(12)
    rows = {case.query.id: case.query for case in shots}
    cases = many(40)[12:]
    same = msgspec.structs.replace(PROMPT, sections=(), shots=tuple(rows))
    prompts = [
        msgspec.structs.replace(same, example=same.example.replace("Relation: ", f"{word}: "))
        for word in ("Relation", "Relation is", "Relation of the two")
    ]
    prompts += [
        msgspec.structs.replace(same, words=words) for words in (("a", "b", "c"), ("x", "y", "z"))
    ]

    def bench() -> Workbench:
        models = InProcess(ScriptedModel(tmp_path))
        return Workbench(
            models, {"search": Body("m", "m", Prices(1.0))}, MemoryJournal(), lambda: None
        )

    alone, together = (
        Evaluator(b := bench(), Renderer(TASK, rows, b.models.tokeniser())) for _ in "ab"
    )
    expected = [alone.score(prompt, cases) for prompt in prompts]
    assert together.score_together(prompts, cases) == expected
    assert len(together.bench.journal.lines) == 1 < len(alone.bench.journal.lines)
    assert together.spent < alone.spent
