"""What reads hidden states and what reads label words are compared on one scale."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from test_readout import states

from appliance.calibrate.calibration import errors
from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.prompts.prompt import Prompt
from appliance.scoring.hidden import State
from appliance.scoring.outcomes import Scored
from appliance.scoring.yes_no import YesNoOutcome
from appliance.search.candidate import Candidate, mapped_difference
from appliance.task import Case, Example

READ = Prompt((), "{text}\n{label}\n", readout="hidden")
WORDS = Prompt((), "{text}\n{label}\n")
ASKS = Prompt((), "{text}\n{label}? {answer}\n")


def noise(of: list[State], labels: int) -> list[YesNoOutcome]:
    """Answers of yes or no that know nothing and are rarely a yes, so that their loss is low."""
    random = Random(1)
    names = tuple(f"label {n}" for n in range(labels))
    return [
        YesNoOutcome(
            state.case,
            names,
            tuple(n == state.gold for n in range(labels)),
            tuple(round(random.gauss(-3, 1), 4) for _ in names),
            (0.0,) * labels,
            (True,) * labels,
            "-",
        )
        for state in of
    ]


def test_yes_or_no_to_each_label_is_compared_with_a_choice_by_errors_alone():
    """The mean loss of many answers of yes or no is lower than that of one choice."""
    seen = states(120, labels=9, apart=2.0)
    hidden = Candidate(READ, "test", scored=[*seen])
    asks = Candidate(ASKS, "test", scored=[*noise(seen, 9)])
    assert hidden.estimate.value > asks.estimate.value + 0.2
    assert sum(hidden.penalties(120)) > sum(asks.penalties(120))
    assert mapped_difference(hidden, asks).mean < -0.2


@pytest.mark.parametrize("seen", [40, 80, 160])
def test_the_cases_that_both_have_seen_weigh_the_same_on_both_sides(seen):
    """Positive ones were moved up, so the first cases have more of them than all."""
    random = np.random.default_rng(3)
    golds = np.r_[np.tile([1, 0], 40), np.zeros(120, int)]
    rows = (random.normal(size=(200, 8)) + 2 * np.outer(golds, np.eye(8)[0])).astype("<f2")
    every = [
        State(f"case {n}", int(gold), ("none", "found"), row.tobytes(), none=0)
        for n, (gold, row) in enumerate(zip(golds, rows, strict=True))
    ]
    objective = Objective("micro_f1", tuple(np.log([0.9, 0.1])), 0.1, 0)
    hidden = Candidate(READ, "test", objective=objective, scored=[*every])
    same = [one for one in hidden.outcomes()[:seen] if isinstance(one, Scored)]
    words = Candidate(WORDS, "test", fixed=True, objective=objective, scored=[*same])
    assert mapped_difference(hidden, words).mean == pytest.approx(0.0, abs=0.05)


def test_cases_that_a_prompt_was_written_from_do_not_count():
    seen = states(60)
    query = Example("text", label="label 0")
    source = Case(query, ("label 0", "label 1", "label 2"))
    first = State(source.id, seen[0].gold, seen[0].labels, seen[0].values)
    hidden = Candidate(READ, "test", scored=[first, *seen[1:]])
    said = [Scored(one.case, one.gold, (0.0,) * 3, (0.0,) * 3) for one in (first, *seen[1:])]
    found = [
        mapped_difference(hidden, Candidate(WORDS, "test", source=of, scored=[*said])).n
        for of in ((), (source,))
    ]
    assert found == [60, 59]


def test_a_missed_label_is_a_greater_error_than_a_wrong_one_where_an_f1_is_sought():
    missed = Scored("a", 1, (1.0, 0.0), (0.0, 0.0), ("none", "found"), none=0)
    wrong = Scored("b", 0, (0.0, 1.0), (0.0, 0.0), ("none", "found"), none=0)
    assert errors([missed, wrong], Fit(0.0), Objective("micro_f1")) == [0.8, 0.2]
    assert errors([missed, wrong], Fit(0.0), Objective()) == [1.0, 1.0]
