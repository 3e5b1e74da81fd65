"""What stands beside a verdict: a classifier of words that needs no language model."""

from __future__ import annotations

import msgspec
import pytest
import tiny_tasks

from appliance.prompts.loaded import Loaded
from appliance.task import Case, Example
from appliance.verdict.bag_of_words import answers
from appliance.verdict.controls import BAG_OF_WORDS, with_controls
from appliance.verdict.judge import judge
from appliance.verdict.report.words import facts
from appliance.verdict.verdict import Answer, Verdict

pytest.importorskip("sklearn")

LOADED = tiny_tasks.loaded("relation")


def verdict(loaded: Loaded, right: float) -> Verdict:
    """A verdict in which the best prompt has that share of the test cases right."""
    cases = loaded.cases["test"]
    given = []
    for at, case in enumerate(cases):
        gold = case.options[case.gold]
        hit = at < right * len(cases)
        wrong = next(label for label in case.options if label != gold)
        tally = (int(hit), int(not hit), int(not hit))
        given.append(
            Answer(case.id, gold, wrong, gold if hit else wrong, 0.0, float(hit), (0, 1, 1), tally)
        )
    found = judge(given, loaded.task.metric, "s", "b", "m", "Q8_0")
    return msgspec.structs.replace(found, answers=tuple(given))


def told(found: Verdict) -> str:
    return dict(facts(found, 1, None)).get("A bag of words", "")


def test_a_bag_of_words_tells_relations_by_the_words_between_their_entities():
    learnt, asked = LOADED.cases["tuning"], LOADED.cases["test"]
    given = answers(learnt, asked)
    assert given is not None
    right = sum(g == c.options[c.gold] for g, c in zip(given, asked, strict=True))
    assert right == len(asked)  # The verb says it all.


def test_of_texts_without_a_word_nothing_is_learnt():
    def case(text: str, label: str) -> Case:
        return Case(Example(text, label=label), ("good", "bad"))

    faces = [case("\N{GRINNING FACE}", "good"), case("(-:", "bad")] * 3
    assert answers(faces, faces) is None
    marks = [case("1", "good"), case("x", "bad")] * 3
    assert answers(marks, marks) == ["good", "bad"] * 3


def test_of_one_label_there_is_nothing_to_learn():
    [first, *_] = LOADED.cases["tuning"]
    assert answers([first, first], [first]) is None


def test_a_prompt_that_loses_to_a_bag_of_words_is_told_so():
    found = with_controls(verdict(LOADED, 0.2), LOADED)
    [control] = found.controls
    assert (control.name, control.value, control.n) == (BAG_OF_WORDS, 1.0, len(found.answers))
    assert control.gain < 0 and not control.is_beaten(0.05)
    assert "such a prompt may not be worth its model" in told(found)


def test_a_prompt_that_beats_it_is_told_by_how_much():
    loaded = msgspec.structs.replace(
        LOADED, cases={**LOADED.cases, "tuning": _shuffled(LOADED), "selection": []}
    )
    found = with_controls(verdict(loaded, 1.0), loaded)
    [control] = found.controls
    assert control.value < 1 and control.gain == pytest.approx(1 - control.value)
    assert "the best prompt gains +" in told(found)


def _shuffled(loaded: Loaded) -> list:
    """The tuning rows with each other's labels, of which nothing can be learnt."""
    cases = loaded.cases["tuning"]
    return [
        msgspec.structs.replace(
            case, query=msgspec.structs.replace(case.query, label=other.query.label)
        )
        for case, other in zip(cases, [*cases[1:], cases[0]], strict=True)
    ]


@pytest.mark.parametrize("name", ["several", "episodes", "answer", "spans"])
def test_tasks_without_the_same_labels_for_all_rows_have_no_such_control(name):
    loaded = tiny_tasks.loaded(name)
    assert with_controls(verdict(LOADED, 1.0), loaded).controls == ()
    assert told(verdict(LOADED, 1.0)) == ""


def test_a_gain_over_it_is_proven_by_its_own_cases_and_not_by_those_of_the_verdict():
    """Seed and best prompt differ on too few cases; best and control do not."""
    loaded = msgspec.structs.replace(
        LOADED, cases={**LOADED.cases, "tuning": _shuffled(LOADED), "selection": []}
    )
    found = verdict(loaded, 1.0)
    found = with_controls(msgspec.structs.replace(found, refused="the prompts differ on 3"), loaded)
    assert found.controls[0].is_beaten(found.alpha)
    assert "may not be worth its model" not in told(found)
    few = msgspec.structs.replace(found, answers=found.answers[:4])
    short = msgspec.structs.replace(
        loaded, cases={**loaded.cases, "test": loaded.cases["test"][:4]}
    )
    [control] = with_controls(few, short).controls
    assert not control.provable and not control.is_beaten(1.0)
