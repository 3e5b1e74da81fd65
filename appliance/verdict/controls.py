"""The bag of words, a way without the model, on the same test cases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec

from appliance.prompts.loaded import Loaded
from appliance.statistics.claims import refusal
from appliance.statistics.clusters import belonging
from appliance.statistics.paired import paired
from appliance.task import Case, Task, shared_options
from appliance.verdict.bag_of_words import MOST
from appliance.verdict.bag_of_words import answers as bag_of_words
from appliance.verdict.judge import results
from appliance.verdict.verdict import Answer, Control, Verdict

BAG_OF_WORDS = "a bag of words"


def with_controls(found: Verdict, loaded: Loaded) -> Verdict:
    """The verdict with a bag of words beside it, where rows choose among the same labels.

    It learns from tuning and selection rows and from those kept as demonstrations.
    """
    tests = loaded.cases["test"]
    if loaded.task.several or not shared_options(chain.from_iterable(loaded.cases.values())):
        return found
    kept = (row for rows in loaded.demonstrations.values() for row in rows)
    learnt = [
        *loaded.cases["tuning"],
        *loaded.cases["selection"],
        *(Case(loaded.rows[row], tests[0].labels) for row in kept),
    ]
    given = bag_of_words(learnt, tests)
    if given is None:
        return found
    control = compared(BAG_OF_WORDS, loaded.task, tests, given, found)
    control = msgspec.structs.replace(control, learnt=min(len(learnt), MOST), rows=len(learnt))
    return msgspec.structs.replace(found, controls=(control,))


def compared(
    name: str, task: Task, cases: Sequence[Case], given: Sequence[str], found: Verdict
) -> Control:
    """The control's figure, and what the best prompt gains over it on the same ``cases``."""
    pairs = [
        _beside(task, case, label, answer)
        for case, label, answer in zip(cases, given, found.answers, strict=True)
    ]
    of = results(pairs, found.metric, "seed"), results(pairs, found.metric, "best")
    unit, clusters = belonging(cases, task)
    test = paired(*of, clusters)
    return Control(
        name=name,
        value=test.before.value,
        interval=(test.before.low, test.before.high),
        gain=test.gain,
        gain_interval=(test.low, test.high),
        p=test.p,
        n=test.n,
        provable=not refusal(test, found.alpha, unit),
    )


def _beside(task: Task, case: Case, label: str, best: Answer) -> Answer:
    """The control's answer in the place of the seed prompt's."""
    right = label == best.gold
    told, positive = label != task.none, best.gold != task.none
    tally = int(right and positive), int(told and not right), int(positive and not right)
    return msgspec.structs.replace(best, seed=label, seed_credit=float(right), seed_tally=tally)
