"""A verdict names the labels that are found less often than before."""

from __future__ import annotations

import msgspec

from appliance.verdict.judge import judge
from appliance.verdict.paid import paid
from appliance.verdict.report.words import facts
from appliance.verdict.verdict import Answer


def answers(label: str, *, both: int = 0, seed: int = 0, best: int = 0) -> list[Answer]:
    """Cases of a label that both prompts have right, the seed prompt alone and the best alone."""
    given = []
    for hits, (was, now) in ((both, (1, 1)), (seed, (1, 0)), (best, (0, 1))):
        for _ in range(hits):
            said = [label if hit else "other" for hit in (was, now)]
            tallies = [(hit, 1 - hit, 1 - hit) for hit in (was, now)]
            case = f"{label} {len(given)}"
            given.append(Answer(case, label, *said, float(was), float(now), *tallies))
    return given


def test_a_label_that_lost_is_named_with_its_numbers():
    given = [*answers("none", both=5, seed=15, best=1), *answers("owner", both=9, best=30)]
    [lost] = paid(given)
    assert (lost.label, lost.n, lost.before, lost.after) == ("none", 21, 20, 6)
    assert lost.p < 0.001
    judged = judge(given, "accuracy", "s", "b", "m", "Q8_0")
    told = dict(facts(msgspec.structs.replace(judged, paid=paid(given)), 1, None))
    said = told["Labels found less often than before"]
    assert said.startswith('"none", 6 of its 21 cases right instead of 20 (p = 0.0')


def test_a_label_that_lost_by_chance_is_not_named():
    given = [*answers("none", both=5, seed=4, best=1), *answers("owner", best=30)]
    assert paid(given) == ()


def test_the_proof_is_shared_among_the_labels():
    """Seven losses without a win have p = 0.016: proof of one label among two, not among seven."""
    lost = answers("none", seed=7)
    assert [one.label for one in paid([*lost, *answers("a", both=3)])] == ["none"]
    others = [answer for name in "abcdef" for answer in answers(name, both=3)]
    assert paid([*lost, *others]) == ()


def test_rows_of_one_group_count_as_one():
    """Fifteen rows of a single patient are lost together, which is no proof."""
    lost = answers("none", seed=15)
    assert [one.label for one in paid(lost, [f"patient {n}" for n in range(15)])] == ["none"]
    assert paid(lost, ["patient 1"] * 15) == ()


def test_nothing_pays_where_there_are_no_answers():
    assert paid([]) == ()
