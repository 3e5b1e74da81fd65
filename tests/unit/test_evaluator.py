"""From replies to outcomes and decisions, as the design defines them: sums of log-probabilities,
to 1e-4 of a nat."""

from __future__ import annotations

import msgspec
import pytest
from in_process import LABELS, PROMPT, TASK, many, row

from appliance.layout import Layout
from appliance.prompt import Prompt
from appliance.renderer import Sheet
from appliance.scoring.outcomes import Judged, Scored
from appliance.scoring.replies import decisions, read_scores, totals
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
    prompt = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n", share=0.5)
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
    assert judged == Judged(
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
    assert isinstance(judged, Judged)
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
    assert isinstance(judged, Judged) and judged.allowed == allowed


def test_a_choice_among_labels_is_one_decision():
    prompt = msgspec.structs.replace(PROMPT, weight=0.5, prior=(0.5, 0.0, -0.5))
    assert decisions(TASK, prompt, THREE_LABELS, [CASE], 0.25) == (
        Choice((1, 2, 3), (4, 5, 6), CASE.gold, 0.5, 0.25, (0.5, 0.0, -0.5)),
    )
    [plain] = decisions(TASK, PROMPT, THREE_LABELS, [CASE], 1.0)
    assert plain == Choice((1, 2, 3), (), CASE.gold, 0.0)


def test_each_yes_no_question_is_a_decision_with_its_labels_prior_and_the_threshold():
    prompt = msgspec.structs.replace(YES_NO, weight=1.0, prior=(1.0, 2.0, 3.0), threshold=0.5)
    asked = Case(row("Cleo", "Wick", "supplier of"), LABELS)
    found = decisions(TASK, prompt, YES_NO_SHEET, [asked], 1.0)
    yes, no = 0, 1
    assert found == (
        Choice((1, 2), (7, 8), no, 1.0, 1.0, (1.5, 0.0)),
        Choice((3, 4), (9, 10), yes, 1.0, 1.0, (2.5, 0.0)),
        Choice((5, 6), (11, 12), no, 1.0, 1.0, (3.5, 0.0)),
    )


def test_a_written_answer_is_a_decision_between_itself_and_nothing_as_sharp_as_its_loss():
    task = msgspec.structs.replace(TASK, kind="answer", labels=())
    sheet = Sheet(laid_out(1), [[(1,)]], [[()]], [])
    asked = Case(Example("1 + 1", answers=("2",)))
    assert decisions(task, WRITTEN, sheet, [asked], 1.0) == (Choice((1,), (), 0, 0.0, 0.5),)
