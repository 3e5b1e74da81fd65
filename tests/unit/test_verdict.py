"""The answer to "is it really better?", and the choice of what it is asked about."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from in_process import PROMPT, TASK, Judge, many

from appliance.statistics.clusters import belonging
from appliance.statistics.proportions import mcnemar_exact, wilson
from appliance.verdict.give import give_verdict
from appliance.verdict.judge import judge
from appliance.verdict.verdict import (
    AGAIN,
    Answer,
    Noise,
    Verdict,
    threshold,
)

CASES = many(60)
OTHER = PROMPT.with_section("role", "A clerk.\n")


def answers(*runs: tuple[bool, int]) -> list[bool]:
    return [right for right, count in runs for _ in range(count)]


def judged(before: list[bool], after: list[bool], **more: Any) -> Verdict:
    pairs = zip(before, after, strict=True)
    given = [_answer(str(n), old, new) for n, (old, new) in enumerate(pairs)]
    return judge(given, "accuracy", "seed", "best", "model", "q4", **more)


def _answer(case: str, old: bool, new: bool) -> Answer:
    """An answer to a case with two labels, of which "right" is right."""
    predicted = [("wrong", "right")[right] for right in (old, new)]
    tallies = [((0, 1, 1), (1, 0, 0))[right] for right in (old, new)]
    return Answer(case, "right", *predicted, float(old), float(new), *tallies)


def test_a_clear_gain_is_better():
    verdict = judged(answers((True, 40), (False, 60)), answers((True, 70), (False, 30)))
    assert verdict.words == "better" and verdict.better
    assert (verdict.wins, verdict.losses, verdict.n) == (30, 0, 100)
    assert verdict.gain == pytest.approx(0.3)
    assert 0 < verdict.interval[0] < 0.3 < verdict.interval[1] and verdict.p < 1e-6
    assert verdict.seed.value == pytest.approx(0.4)
    assert verdict.best.value == pytest.approx(0.7)


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
    model = Judge(lambda prompt: 0.3)
    verdict = give_verdict(model, CASES, PROMPT, PROMPT, model="m", body="q4")
    assert (verdict.gain, verdict.p, verdict.wins, verdict.losses) == (0, 1, 0, 0)
    assert verdict.words == "no proven gain" and verdict.seed == verdict.best
    asked = [case.id for case in CASES]
    assert model.scored == {PROMPT.id: asked + asked[:AGAIN][::-1]}


def test_a_seed_that_got_probabilities_of_its_own_stands_all_the_same():
    model = Judge(lambda prompt: 0.3)
    fitted = msgspec.structs.replace(PROMPT, temperature=4.0, abstain=0.4)
    verdict = give_verdict(model, CASES, PROMPT, fitted, model="m", body="q4")
    assert verdict.stands and verdict.seed.prompt == fitted.id and set(model.scored) == {fitted.id}
    told, plain = (
        [answer.confidence for answer in each.answers]
        for each in (verdict, give_verdict(model, CASES, PROMPT, PROMPT, model="m", body="q4"))
    )
    assert max(told) < max(plain)
    other = msgspec.structs.replace(fitted, threshold=0.5)
    assert not give_verdict(model, CASES, PROMPT, other, model="m", body="q4").stands


def test_both_prompts_are_scored_on_the_same_cases_by_the_serving_body():
    class Served(Judge):
        roles: tuple[str, ...] = ()

        def score(self, prompt, cases, role="search"):
            self.roles += (role,)
            return super().score(prompt, cases, role)

    model = Served(lambda prompt: 3.0 if prompt == OTHER else -3.0)
    verdict = give_verdict(model, CASES, PROMPT, OTHER, model="m", body="q4")
    assert model.roles == ("serving",) * 3
    asked = [case.id for case in CASES]
    assert model.scored[PROMPT.id] == model.scored[OTHER.id][: len(CASES)] == asked
    assert (verdict.seed.value, verdict.best.value, verdict.words) == (0, 1, "better")


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
    assert verdict.seed.value == pytest.approx(1 / 3)
    assert verdict.best.value == 1 and verdict.seed.prompt != verdict.best.prompt


def test_the_document_carries_every_figure_with_its_n_and_interval():
    verdict = judged(answers((True, 40), (False, 60)), answers((True, 70), (False, 30)))
    document = msgspec.to_builtins(verdict)
    assert set(document) == {
        "seed", "best", "metric", "n", "gain", "interval", "p", "test", "wins", "losses", "better",
        "words", "model", "body", "split", "unit", "clusters", "alpha", "power", "refused", "scope",
        "noise", "controls", "paid", "reading", "answers",
    }  # fmt: skip
    for side, prompt in (("seed", "seed"), ("best", "best")):
        assert set(document[side]) == {"prompt", "value", "interval", "n"}
        assert document[side]["prompt"] == prompt and document[side]["n"] == 100
        low, high = document[side]["interval"]
        assert 0 <= low < document[side]["value"] < high <= 1
    assert (document["split"], document["unit"]) == ("test", "case")
    assert (document["model"], document["body"]) == ("model", "q4")
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_every_look_halves_what_p_has_to_stay_below():
    assert [threshold(look) for look in (1, 2, 3)] == [0.05, 0.025, 0.0125]
    assert sum(threshold(look) / 2 for look in range(1, 60)) <= 0.05


def test_a_further_look_proves_less():
    before, after = answers((False, 40)), answers((True, 6), (False, 34))
    first, second = (judged(before, after, alpha=threshold(look)) for look in (1, 2))
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
    """2,000 runs on 200 independent cases, with prompts that are equally good and differ on 0.3."""
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
    model = Judge(lambda prompt: 3.0 if prompt == OTHER else -3.0)
    verdict = give_verdict(model, CASES, PROMPT, OTHER, model="m", body="q4")
    assert [a.case for a in verdict.answers] == [case.id for case in CASES]
    assert [a.gold for a in verdict.answers] == [case.query.label for case in CASES]
    assert sum(a.best == a.gold for a in verdict.answers) == round(verdict.best.value * 60)
    assert sum(a.seed == a.gold for a in verdict.answers) == round(verdict.seed.value * 60)


class Rounding(Judge):
    """A judge that rounds differently where cases come in another order."""

    def score(self, prompt, cases, role="search"):
        slip = 0.5 if self.scored.get(prompt.id) else 0.0
        found = super().score(prompt, cases, role)
        return [
            msgspec.structs.replace(s, plain=tuple(round(x + slip * (y == 0), 4) for y, x in
                                                   enumerate(s.plain)))
            for s in found
        ]  # fmt: skip


def test_the_noise_of_the_engine_is_what_changes_when_cases_come_in_another_order():
    quiet = give_verdict(Judge(lambda _: 0.3), CASES, PROMPT, OTHER, model="m", body="q4")
    assert quiet.noise == Noise(len(CASES), 0, 0.0)
    noisy = give_verdict(Rounding(lambda _: 0.3), CASES, PROMPT, OTHER, model="m", body="q4")
    assert noisy.noise.n == len(CASES) and noisy.noise.changed > 0
    assert noisy.noise.largest == 0.5
    many_cases = many(AGAIN + 9)
    assert (
        give_verdict(Judge(lambda _: 0.3), many_cases, PROMPT, OTHER, model="m", body="q").noise.n
        == AGAIN
    )


def test_a_design_that_can_prove_nothing_says_so_and_claims_nothing():
    verdict = judged(answers((False, 40)), answers((True, 5), (False, 35)))
    assert "the prompts differ on 5 cases only" in verdict.refused
    assert verdict.words == "no proven gain"
    assert judged(answers((False, 40)), answers((True, 6), (False, 34))).refused == ""


def told(golds: str, before: str, after: str) -> list[Answer]:
    """Letters are labels; - is none of the above."""
    found = []
    for n, (gold, old, new) in enumerate(zip(golds, before, after, strict=True)):
        tallies = [
            (
                int(gold == predicted != "-"),
                int(predicted not in (gold, "-")),
                int(gold not in (predicted, "-")),
            )
            for predicted in (old, new)
        ]
        found.append(
            Answer(str(n), gold, old, new, float(gold == old), float(gold == new), *tallies)
        )
    return found


def test_each_metric_measures_what_it_is():
    given = told("aaab" + "-" * 6, "a--b" + "-" * 6, "aaab" + "-" * 5 + "a")
    accuracy, micro, macro = (
        judge(given, metric, "s", "b", "m", "q4") for metric in ("accuracy", "micro_f1", "macro_f1")
    )
    assert [v.metric for v in (accuracy, micro, macro)] == ["accuracy", "micro_f1", "macro_f1"]
    assert (accuracy.seed.value, accuracy.best.value) == (0.8, 0.9)
    assert micro.seed.value == pytest.approx(4 / 6) and micro.best.value == pytest.approx(8 / 9)
    # The mean over a, b and -.
    assert macro.seed.value == pytest.approx((2 / 4 + 1 + 12 / 14) / 3)
    assert macro.best.value == pytest.approx((6 / 7 + 1 + 10 / 11) / 3)
    for verdict in (accuracy, micro, macro):
        assert (verdict.wins, verdict.losses, verdict.n) == (2, 1, 10)
        assert verdict.gain == pytest.approx(verdict.best.value - verdict.seed.value)


def test_micro_f1_is_tested_by_swapping_results_and_its_gain_has_an_interval():
    random = Random(1)
    golds = "".join(random.choice("ab--------") for _ in range(400))
    poor = "".join(g if random.random() < 0.4 else "-" for g in golds)
    good = "".join(g if random.random() < 0.8 else "-" for g in golds)
    verdict = judge(told(golds, poor, good), "micro_f1", "s", "b", "m", "q4")
    assert verdict.test == "swap" and verdict.words == "better" and verdict.p < 0.01
    assert 0 < verdict.interval[0] < verdict.gain < verdict.interval[1]
    assert verdict.power is None


def test_what_holds_for_the_relations_of_the_file_alone_is_said_to():
    given = told("ab-" * 20, "a--" * 20, "ab-" * 20)
    queries = [str(n // 2) for n in range(60)]
    found = judge(given, "micro_f1", "s", "b", "m", "q4", unit="query", clusters=queries)
    assert (found.scope, found.unit, found.clusters) == ("for these relations", "query", 30)
    assert judge(given, "micro_f1", "s", "b", "m", "q4").scope == ""


def in_clusters(per_cluster: list[tuple[int, int, int]], unit="relation") -> Verdict:
    """A verdict on clusters, each given by its cases, wins and losses."""
    before, after, names = [], [], []
    for name, (n, wins, losses) in enumerate(per_cluster):
        before += answers((False, wins), (True, losses), (True, n - wins - losses))
        after += answers((True, wins), (False, losses), (True, n - wins - losses))
        names += [f"c{name}"] * n
    return judged(before, after, unit=unit, clusters=names)


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
    episodes = msgspec.structs.replace(TASK, protocol="episodes")
    assert belonging(CASES, TASK) == ("case", [])
    unit, names = belonging(CASES, episodes)
    assert unit == "relation" and names == [case.query.label for case in CASES]
    unit, names = belonging(CASES, msgspec.structs.replace(episodes, metric="micro_f1"))
    assert unit == "query" and names == [case.query.id for case in CASES]
    grouped = [
        msgspec.structs.replace(c, query=msgspec.structs.replace(c.query, group="file 7"))
        for c in CASES[:2]
    ]
    unit, names = belonging([*grouped, CASES[2]], TASK)
    assert unit == "group" and names == ["file 7", "file 7", CASES[2].id]
