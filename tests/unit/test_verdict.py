"""The answer to "is it really better?", and the choice of what it is asked about."""

from __future__ import annotations

import msgspec
import pytest
from in_process import PROMPT, Judge, many

from appliance.verdict import Verdict, compare, give_verdict

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
        "model", "body", "split", "unit",
    }  # fmt: skip
    for side, prompt in (("seed", "seed"), ("best", "best")):
        assert set(document[side]) == {"prompt", "accuracy", "interval", "n"}
        assert document[side]["prompt"] == prompt and document[side]["n"] == 100
        low, high = document[side]["interval"]
        assert 0 <= low < document[side]["accuracy"] < high <= 1
    assert (document["split"], document["unit"]) == ("test", "case")
    assert (document["model"], document["body"]) == ("model", "q4")
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict
