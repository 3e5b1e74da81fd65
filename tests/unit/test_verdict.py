"""The answer to "is it really better?", and the choice of what it is asked about."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from in_process import PROMPT, Judge, many

from appliance.scoring.statistics import mcnemar_exact, wilson
from appliance.verdict import Verdict, belonging, compare, give_verdict, threshold

CASES = many(60)
OTHER = PROMPT.with_section("role", "A clerk.\n")


def answers(*runs: tuple[bool, int]) -> list[bool]:
    return [right for right, count in runs for _ in range(count)]


def judged(before: list[bool], after: list[bool]) -> Verdict:
    return compare(before, after, "seed", "best", "model", "q4")


def test_a_clear_gain_is_better():
    verdict = judged(answers((True, 40), (False, 60)), answers((True, 70), (False, 30)))
    assert verdict.words == "better" and verdict.better
    assert (verdict.wins, verdict.losses, verdict.n) == (30, 0, 100)
    assert verdict.gain == pytest.approx(0.3)
    assert 0 < verdict.interval[0] < 0.3 < verdict.interval[1] and verdict.p < 1e-6
    assert verdict.seed.accuracy == pytest.approx(0.4)
    assert verdict.best.accuracy == pytest.approx(0.7)


def test_a_clear_loss_is_worse_and_not_better():
    verdict = judged(answers((True, 70), (False, 30)), answers((True, 40), (False, 60)))
    assert verdict.words == "worse" and not verdict.better
    assert verdict.gain == pytest.approx(-0.3) and verdict.p < 1e-6
    assert (verdict.wins, verdict.losses) == (0, 30)


def test_a_small_gain_is_no_proven_gain():
    before = answers((True, 50), (False, 50))
    after = answers((True, 48), (False, 2), (True, 5), (False, 45))
    verdict = judged(before, after)
    assert verdict.words == "no proven gain" and not verdict.better
    assert verdict.gain == pytest.approx(0.03) and verdict.p > 0.05
    assert (verdict.wins, verdict.losses) == (5, 2)
    assert verdict.interval[0] <= 0 <= verdict.interval[1]


@pytest.mark.parametrize(("wins", "words"), [(5, "no proven gain"), (6, "better")])
def test_six_wins_without_a_loss_are_the_least_that_is_proven(wins, words):
    """McNemar's exact test, two-sided: 2 / 2**5 = 0.0625 and 2 / 2**6 = 0.03125."""
    verdict = judged(answers((False, 40)), answers((True, wins), (False, 40 - wins)))
    assert verdict.p == pytest.approx(2 / 2**wins, abs=1e-4)
    assert verdict.words == words


def test_as_many_losses_as_wins_prove_nothing():
    verdict = judged(answers((True, 30), (False, 30)), answers((False, 30), (True, 30)))
    assert (verdict.gain, verdict.p, verdict.words) == (0, 1, "no proven gain")


def test_where_the_seed_wins_it_is_scored_once_and_the_gain_is_0_with_p_1():
    judge = Judge(lambda prompt: 0.3)
    verdict = give_verdict(judge, CASES, PROMPT, PROMPT, model="m", body="q4")
    assert (verdict.gain, verdict.p, verdict.wins, verdict.losses) == (0, 1, 0, 0)
    assert verdict.words == "no proven gain" and verdict.seed == verdict.best
    assert judge.scored == {PROMPT.id: [case.id for case in CASES]}


def test_both_prompts_are_scored_on_the_same_cases_by_the_serving_body():
    class Served(Judge):
        roles: tuple[str, ...] = ()

        def score(self, prompt, cases, role="search"):
            self.roles += (role,)
            return super().score(prompt, cases, role)

    judge = Served(lambda prompt: 3.0 if prompt == OTHER else -3.0)
    verdict = give_verdict(judge, CASES, PROMPT, OTHER, model="m", body="q4")
    assert judge.roles == ("serving", "serving")
    assert judge.scored[PROMPT.id] == judge.scored[OTHER.id] == [case.id for case in CASES]
    assert (verdict.seed.accuracy, verdict.best.accuracy, verdict.words) == (0, 1, "better")


def test_each_prompt_is_judged_with_its_own_weight():
    class Biased(Judge):
        """Without calibration the first label always wins."""

        def _score(self, prompt, case):
            scored = super()._score(prompt, case)
            first = (9.0, 0.0, 0.0)
            plain = tuple(s + bias for s, bias in zip(scored.plain, first, strict=True))
            return msgspec.structs.replace(scored, plain=plain, free=first)

    calibrated = msgspec.structs.replace(PROMPT, weight=1.0)
    verdict = give_verdict(Biased(lambda _: 3.0), CASES, PROMPT, calibrated, model="m", body="b")
    assert verdict.seed.accuracy == pytest.approx(1 / 3)
    assert verdict.best.accuracy == 1 and verdict.seed.prompt != verdict.best.prompt


def test_the_document_carries_every_figure_with_its_n_and_interval():
    verdict = judged(answers((True, 40), (False, 60)), answers((True, 70), (False, 30)))
    document = msgspec.to_builtins(verdict)
    assert set(document) == {
        "seed", "best", "n", "gain", "interval", "p", "wins", "losses", "better", "words",
        "model", "body", "split", "unit", "clusters", "alpha", "power", "answers",
    }  # fmt: skip
    for side, prompt in (("seed", "seed"), ("best", "best")):
        assert set(document[side]) == {"prompt", "accuracy", "interval", "n"}
        assert document[side]["prompt"] == prompt and document[side]["n"] == 100
        low, high = document[side]["interval"]
        assert 0 <= low < document[side]["accuracy"] < high <= 1
    assert (document["split"], document["unit"]) == ("test", "case")
    assert (document["model"], document["body"]) == ("model", "q4")
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_every_look_halves_what_p_has_to_stay_below():
    assert [threshold(look) for look in (1, 2, 3)] == [0.05, 0.025, 0.0125]
    assert sum(threshold(look) / 2 for look in range(1, 60)) <= 0.05


def test_a_further_look_proves_less():
    before, after = answers((False, 40)), answers((True, 6), (False, 34))
    first, second = (
        compare(before, after, "s", "b", "m", "q4", alpha=threshold(look)) for look in (1, 2)
    )
    assert first.p == second.p == pytest.approx(0.03125)
    assert (first.words, second.words) == ("better", "no proven gain")
    assert second.alpha == 0.025 and second.power < first.power


def test_the_power_is_that_of_the_exact_test():
    """Simulated: how often a gain of 0.1 is proven on 200 cases of which 0.2 differ."""
    rng = np.random.default_rng(0)
    differing = rng.binomial(200, 0.2, 4000)
    wins = rng.binomial(differing, 0.75)
    found = np.mean([mcnemar_exact(w, d - w) < 0.05 for w, d in zip(wins, differing, strict=True)])
    same = [True] * 80
    verdict = judged(
        [*same, *answers((True, 10), (False, 110))],
        [*same, *[False] * 10, *[True] * 30, *[False] * 80],
    )
    assert verdict.n == 200 and verdict.wins + verdict.losses == 40
    assert verdict.power == pytest.approx(found, abs=0.03)


def test_three_looks_without_a_gain_say_better_in_at_most_one_run_of_twenty():
    """2,000 runs: 200 independent cases, prompts that are as good and differ on 0.3 of them."""
    rng = np.random.default_rng(1)
    runs, false = 2000, 0
    for _ in range(runs):
        for look in (1, 2, 3):
            differing = rng.binomial(200, 0.3)
            wins = rng.binomial(differing, 0.5)
            if wins > differing - wins and mcnemar_exact(wins, differing - wins) < threshold(look):
                false += 1
                break
    assert wilson(false, runs).high <= 0.05 + 0.01
    assert false / runs <= 0.05


def test_a_verdict_keeps_every_answer_of_both_prompts():
    judge = Judge(lambda prompt: 3.0 if prompt == OTHER else -3.0)
    verdict = give_verdict(judge, CASES, PROMPT, OTHER, model="m", body="q4")
    assert [a.case for a in verdict.answers] == [case.id for case in CASES]
    assert [a.gold for a in verdict.answers] == [case.query.label for case in CASES]
    assert sum(a.best == a.gold for a in verdict.answers) == round(verdict.best.accuracy * 60)
    assert sum(a.seed == a.gold for a in verdict.answers) == round(verdict.seed.accuracy * 60)


def in_clusters(per_cluster: list[tuple[int, int, int]], unit="relation") -> Verdict:
    """Of clusters with so many cases, won and lost."""
    before, after, names = [], [], []
    for name, (n, wins, losses) in enumerate(per_cluster):
        before += answers((False, wins), (True, losses), (True, n - wins - losses))
        after += answers((True, wins), (False, losses), (True, n - wins - losses))
        names += [f"c{name}"] * n
    return compare(before, after, "s", "b", "m", "q4", unit=unit, clusters=names)


def test_cases_that_belong_together_are_weighed_by_cluster():
    """Eight clusters that all gain: 2 / 2**8, however many cases each has."""
    verdict = in_clusters([(100, 20, 0)] * 8)
    assert verdict.p == pytest.approx(2 / 2**8) and verdict.words == "better"
    assert (verdict.unit, verdict.clusters, verdict.power) == ("relation", 8, None)
    assert verdict.gain == verdict.interval[0] == verdict.interval[1] == pytest.approx(0.2)


def test_a_gain_on_one_relation_alone_is_no_proven_gain():
    verdict = in_clusters([(100, 80, 0), *[(100, 5, 5)] * 7])
    assert verdict.gain == pytest.approx(0.1) and verdict.words == "no proven gain"
    assert verdict.interval[0] <= 0.0 < verdict.interval[1]


@pytest.mark.parametrize("count", [1, 5])
def test_fewer_than_six_clusters_prove_nothing(count):
    assert in_clusters([(100, 90, 0)] * count).words == "no proven gain"


def test_cases_belong_to_their_group_or_in_episodes_to_their_relation():
    assert belonging(CASES, "fixed") == ("case", [])
    unit, names = belonging(CASES, "episodes")
    assert unit == "relation" and names == [case.query.label for case in CASES]
    grouped = [
        msgspec.structs.replace(c, query=msgspec.structs.replace(c.query, group="file 7"))
        for c in CASES[:2]
    ]
    unit, names = belonging([*grouped, CASES[2]], "fixed")
    assert unit == "group" and names == ["file 7", "file 7", CASES[2].id]
