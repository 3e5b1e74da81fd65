"""Stage 1: races between prompts, the format space, mutations and the reasoner's operators."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import PROMPT, TASK, InProcess, Judge, MemoryJournal, many
from scripted_model import WRITTEN, ScriptedModel

from appliance.calibrate.calibration import fit_inverse_temperature, held_out, penalties
from appliance.calibrate.fitted import Fit
from appliance.calibrate.objective import Objective
from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import TOGETHER, Evaluator
from appliance.evaluate.workbench import (
    Body,
    Prices,
    Unanswerable,
    Workbench,
)
from appliance.prompts.prompt import Prompt
from appliance.scoring.outcomes import Scored, Written
from appliance.search.accept import Accept, Ahead, Proven
from appliance.search.candidate import Candidate, Proposal, difference
from appliance.search.frame import Method, drive, in_turn
from appliance.search.instructions import clean, instructions
from appliance.search.lab import Ended, Failure, Lab
from appliance.search.methods import formats, induce, local, rewrite
from appliance.search.race import Going, Race
from appliance.search.reasoner import Reasoner
from appliance.search.schedule import FIRST, rungs
from appliance.search.spaces.labels import RELATION as SPACE
from appliance.search.stage import FINALISTS, search
from models.engine import Continuation, Failed, Generate, Generated, Score, decode_reply
from models.protocol import RequestFailed

CASES = many(4 * FIRST, may_ship=True)
PRIVATE = many(4 * FIRST)
DEMONSTRATIONS = {"founder": ("f1", "f2", "f3"), "supplier of": ("s1",), "author": ()}
GOOD, BAD, FAIR = (PROMPT.with_section("role", f"{name}\n") for name in ("good", "bad", "fair"))
QUALITY = {"good\n": 3.0, "bad\n": -3.0, "fair\n": 1.0, "": 0.5}


def judged(prompt: Prompt) -> float:
    return QUALITY[prompt.section("role")]


@dataclass(frozen=True)
class Never(Ahead):
    """Nothing takes the lead."""

    def passes(self, candidate: Candidate, leader: Candidate, among: int) -> bool:
        return False


AHEAD, NEVER = Ahead(), Never()


def enter(
    race: Race,
    *prompts: Prompt,
    depth: int = len(CASES),
    accept: Accept = AHEAD,
    going: Going = lambda: True,
):
    """What a round of proposals comes to."""
    proposals = [Proposal(prompt, "test", parents=(race.seed,)) for prompt in prompts]
    return race.round(proposals, depth=depth, accept=accept, going=going)


class Races:
    """A contest on the judge's word, and what was seen of it."""

    def __init__(self, quality=judged, seed: Prompt = PROMPT, judge: Judge | None = None) -> None:
        self.judge = judge or Judge(quality)
        self.outcomes: list[tuple[str, str]] = []
        self.race = Race(self.judge, CASES, Objective(), self._seen).start(seed)

    def _seen(self, candidate: Candidate, outcome: str) -> None:
        role = candidate.prompt.section("role").strip()
        self.outcomes.append((role or candidate.operator, outcome))

    def enter(
        self, prompt: Prompt, depth: int = len(CASES), accept: Accept = AHEAD
    ) -> Candidate | None:
        [found] = enter(self.race, prompt, depth=depth, accept=accept)
        return found

    def first_rung(self, *roles: object) -> None:
        """Enters prompts that are judged by their role and leaves the seed the leader."""
        for role in roles:
            self.enter(PROMPT.with_section("role", str(role)), FIRST, NEVER)

    def seen(self) -> dict[str, int]:
        """On how many cases each prompt was scored."""
        entries = self.race.entries.values()
        return {c.prompt.section("role"): len(c.scored) for c in entries}


class Biased(Judge):
    """Every prompt leans to the first label, whatever it is asked."""

    def score(self, prompt, cases, role="search"):
        return [
            msgspec.structs.replace(s, plain=(s.plain[0] + 4, *s.plain[1:]), free=(4.0, 0.0, 0.0))
            for s in super().score(prompt, cases, role)
        ]


class Narrow(Judge):
    """A prompt whose role is a number above 9 is too long for the case of that number."""

    def score(self, prompt, cases, role="search"):
        self._check(prompt, cases)
        return super().score(prompt, cases, role)

    def score_together(self, prompts, cases):
        for prompt in prompts:
            self._check(prompt, cases)
        return super().score_together(prompts, cases)

    def _check(self, prompt, cases):
        room = float(prompt.section("role") or 0)
        if room > 9 and any(CASES.index(asked) >= room for asked in cases):
            raise Unanswerable("the prompt is too long")


def by_role(prompt: Prompt) -> float:
    return float(prompt.section("role") or 0)


def test_the_seed_and_then_its_calibrated_copy_lead_a_new_contest_after_the_first_rung():
    races = Races()
    seed, leader = races.race.seed, races.race.leader
    assert races.outcomes == [("seed", "leads"), ("calibrate", "leads")]
    assert seed.fixed and not leader.fixed and leader.parent is seed
    assert leader.prompt == seed.prompt == PROMPT
    assert len(seed.scored) == FIRST and leader.scored == seed.scored
    assert races.judge.scored[PROMPT.id] == [case.id for case in CASES[:FIRST]]


def test_the_calibrated_copy_of_a_biased_seed_is_better_than_the_seed():
    contest = Races(judge=Biased(judged)).race
    assert (contest.seed.fit.weight, contest.leader.fit.weight) == (0.0, 1.0)
    assert difference(contest.leader, contest.seed).proves_better(1.64)
    assert contest.leader.gain > 0 == contest.leader.cost


def test_a_worse_prompt_is_dropped_after_the_first_cases():
    races = Races()
    dropped = races.enter(BAD)
    assert dropped is not None and len(dropped.scored) == FIRST < len(CASES)
    assert races.race.leader.prompt == PROMPT
    assert races.outcomes[-1] == ("bad", "dropped")


def test_a_better_prompt_leads_when_it_has_seen_all_its_cases():
    races = Races()
    winner = races.enter(GOOD)
    assert races.race.leader is winner
    assert len(winner.scored) == len(CASES)
    assert races.outcomes[-1] == ("good", "leads")
    assert races.enter(FAIR) is not races.race.leader is winner


def test_a_better_prompt_that_may_not_lead_is_kept():
    races = Races()
    kept = races.enter(GOOD, accept=NEVER)
    assert races.outcomes[-1] == ("good", "kept") and len(kept.scored) == len(CASES)
    assert kept.gain > 0 and races.race.leader.prompt == PROMPT
    races.race.promote(kept, "accepted")
    assert races.race.leader is kept and races.outcomes[-1] == ("good", "accepted")


def test_what_a_prompt_was_written_from_is_known_of_it():
    race = Races().race
    parent = race.leader
    proposal = Proposal(GOOD, "test", "role", (parent,), tuple(CASES[:2]))
    [entered] = race.round([proposal], depth=FIRST, accept=AHEAD, going=lambda: True)
    assert entered.parent is parent and entered.section == "role"
    assert entered.rows == tuple(case.query.id for case in CASES[:2])


def test_a_prompt_wins_nothing_on_the_cases_it_was_written_from():
    leader = candidate([1.0] * 24)
    learnt = candidate([9.0] * 12 + [0.9] * 12)
    learnt.source = tuple(CASES[:12])
    for scored, case in zip(learnt.scored, CASES, strict=False):
        learnt.scored[learnt.scored.index(scored)] = msgspec.structs.replace(scored, case=case.id)
    leader.scored = [
        msgspec.structs.replace(scored, case=case.id)
        for scored, case in zip(leader.scored, CASES, strict=False)
    ]
    for one, other in ((learnt, leader), (leader, learnt)):
        assert difference(one, other).n == 12
    assert difference(learnt, leader).mean > 0


def test_what_scoring_a_candidate_has_cost_is_known_of_it():
    races = Races()
    assert [races.enter(prompt).cost for prompt in (BAD, GOOD)] == [FIRST, len(CASES)]
    assert races.race.seed.cost == FIRST


def roles(*numbers: int) -> list[Prompt]:
    return [PROMPT.with_section("role", str(number)) for number in numbers]


def test_a_round_beyond_its_budget_scores_whole_requests_and_no_prompt_after_them():
    races = Races(by_role)
    left = iter([True])
    found = enter(races.race, *roles(*range(1, 2 * TOGETHER)), going=lambda: next(left, False))
    assert [c is not None for c in found] == [True] * TOGETHER + [False] * (TOGETHER - 1)
    assert all(len(c.scored) == FIRST for c in found if c)
    assert races.race.leader.prompt == PROMPT
    assert len(races.race.entries) == TOGETHER + 1


def test_one_prompt_that_is_too_long_costs_the_others_of_its_request_nothing():
    races = Races(judge=Narrow(by_role))
    found = enter(races.race, *roles(1, 10, 3))
    assert [c and c.prompt.section("role") for c in found] == ["1", None, "3"]
    assert all(len(ids) == len(set(ids)) for ids in races.judge.scored.values())


@pytest.mark.parametrize("room", [10, FIRST + 10])
def test_a_prompt_that_the_model_cannot_take_is_passed_over_and_the_race_goes_on(room):
    races = Races(judge=Narrow(by_role))
    assert races.enter(PROMPT.with_section("role", str(room))) is None
    assert races.outcomes == [("seed", "leads"), ("calibrate", "leads")]
    assert len(races.race.entries) == 1 and races.race.leader.prompt == PROMPT
    winner = races.enter(PROMPT.with_section("role", "9"))
    assert races.race.leader is winner and len(winner.scored) == len(CASES)


def test_a_race_goes_no_deeper_than_it_is_told():
    races = Races()
    assert len(races.enter(GOOD, depth=2 * FIRST).scored) == 2 * FIRST
    assert max(map(len, races.judge.scored.values())) == 2 * FIRST


def test_all_candidates_see_the_same_cases_in_the_same_order_and_none_twice():
    races = Races()
    entered = [races.race.leader, *map(races.enter, (BAD, FAIR, GOOD))]
    for candidate in entered:
        ids = [case.id for case in CASES[: len(candidate.scored)]]
        assert [scored.case for scored in candidate.scored] == ids
    assert all(len(set(ids)) == len(ids) for ids in races.judge.scored.values())


@pytest.mark.parametrize("seed", [PROMPT, msgspec.structs.replace(PROMPT, weight=0.5)])
def test_a_prompt_that_was_here_before_is_not_entered_again(seed):
    races = Races(seed=seed)
    assert races.enter(GOOD) is not None
    before = dict(races.judge.scored)
    assert races.enter(GOOD) is None
    assert races.enter(msgspec.structs.replace(GOOD, weight=0.25)) is None
    assert races.enter(seed) is None
    assert races.enter(PROMPT) is None
    assert races.judge.scored == before


@pytest.mark.parametrize(
    "change",
    [
        {"wording": "lower"},
        {"join": " | "},
        {"order": "reversed"},
        {"weight": 0.5},
        {"bias": (1.0, 0.0, -1.0)},
    ],
)
def test_a_prompt_that_asks_the_model_nothing_new_is_not_entered(change, tmp_path):
    """Labels are in lower case already, none is listed, and nothing is shown that has an order."""
    models = InProcess(ScriptedModel(tmp_path))
    bench = Workbench(
        models, {"search": Body("model", "model", Prices(1.0))}, MemoryJournal(), lambda: None
    )
    evaluator = Evaluator(bench, Renderer(TASK, {}, models.tokeniser()))
    unlisted = PROMPT.with_section("task", "Name the relation.\n\n")
    race = Race(evaluator, CASES, Objective(), lambda *_: None).start(unlisted)
    before = bench.spent
    same = msgspec.structs.replace(unlisted, **change)
    assert enter(race, same, depth=FIRST) == [None]
    assert bench.spent == before
    other = msgspec.structs.replace(unlisted, wording="upper")
    assert enter(race, other, depth=FIRST) != [None]


@pytest.mark.parametrize("shares", [(), (-1.0, -1.0, -1.0)])
def test_candidates_are_calibrated_by_batch_only_where_all_cases_share_their_labels(shares):
    class Favouring(Judge):
        def score(self, prompt, cases, role="search"):
            return [
                msgspec.structs.replace(s, plain=(s.plain[0] + 6, *s.plain[1:]))
                for s in super().score(prompt, cases, role)
            ]

    objective = Objective(shares=shares)
    race = Race(Favouring(judged), CASES, objective, lambda *_: None).start(PROMPT)
    [entered] = enter(race, GOOD, depth=FIRST)
    assert race.seed.fit.bias == ()
    assert bool(race.leader.final.bias) == bool(entered.final.bias) == bool(shares)


def test_halving_finds_the_best_on_all_cases_and_makes_it_the_leader():
    races = Races(by_role)
    races.first_rung(1, 5, 2, 4, 3)
    assert races.race.leader.prompt == PROMPT
    told = len(races.outcomes)
    assert races.race.halve(keep=2, depth=len(CASES), going=lambda: True) is None
    assert races.race.leader.prompt.section("role") == "5"
    extended = [("5", "extended"), ("4", "extended"), ("3", "extended"), ("2", "extended")]
    assert races.outcomes[told:] == [*extended, *extended[:2], ("5", "leads")]
    assert races.seen() == {"": 24, "1": 24, "2": 48, "3": 48, "4": 96, "5": 96}


def test_halving_again_costs_and_announces_nothing():
    races = Races(by_role)
    races.first_rung(1, 2, 3)
    races.race.halve(keep=2, depth=len(CASES), going=lambda: True)
    before = races.seen(), list(races.outcomes)
    races.race.halve(keep=2, depth=len(CASES), going=lambda: True)
    assert (races.seen(), races.outcomes) == before


def test_halving_spends_less_on_those_that_lose():
    races = Races(by_role)
    races.first_rung(*[n / 2 for n in range(1, 12)])
    races.race.halve(keep=2, depth=len(CASES), going=lambda: True)
    assert sorted(races.seen().values()) == [FIRST] * 8 + [2 * FIRST] * 2 + [4 * FIRST] * 2


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_halving_stops_when_it_may_not_go_on_and_the_best_so_far_leads(steps):
    races = Races(by_role)
    races.first_rung(1, 5, 2, 4, 3)
    left = iter([True] * steps)
    races.race.halve(keep=2, depth=len(CASES), going=lambda: next(left, False))
    seen = races.seen()
    assert races.race.leader.prompt.section("role") == "5"
    assert sum(cases > FIRST for cases in seen.values()) == min(steps, 4)
    assert sum(cases == len(CASES) for cases in seen.values()) == max(steps - 4, 0)


def test_a_prompt_that_the_model_cannot_take_further_is_passed_over_in_halving():
    races = Races(judge=Narrow(by_role))
    races.first_rung(3, FIRST, 5, 2 * FIRST)
    races.race.halve(keep=2, depth=len(CASES), going=lambda: True)
    assert races.race.leader.prompt.section("role") == "5"
    assert races.seen() == {"": 24, "3": 48, "24": 24, "5": 96, "48": 48}


@pytest.mark.parametrize("depth", [1, FIRST - 1, FIRST, FIRST + 1, 5 * FIRST, 8 * FIRST, 1000])
def test_rungs_begin_small_grow_about_twofold_and_end_at_the_depth(depth):
    steps = rungs(depth)
    assert steps[0] == min(FIRST, depth) and steps[-1] == depth == max(steps)
    assert all(a < b < 3 * a for a, b in pairwise(steps))
    # Only the first rung, which every candidate sees, may be followed by a short one.
    assert all(b >= 1.5 * a for a, b in pairwise(steps[1:]))


def test_a_last_rung_that_would_be_short_is_joined_to_the_one_before():
    assert rungs(5 * FIRST) == [FIRST, 2 * FIRST, 5 * FIRST]
    assert rungs(6 * FIRST) == [FIRST, 2 * FIRST, 4 * FIRST, 6 * FIRST]


def candidate(leads: list[float], free: float = 0.0, *, fixed: bool = False) -> Candidate:
    scored = [Scored(str(i), 0, (lead, 0.0), (free, 0.0)) for i, lead in enumerate(leads)]
    return Candidate(PROMPT, "test", scored=scored, fixed=fixed)


def test_the_weight_is_fitted_unless_the_prompt_is_taken_as_it_is():
    leads = [-1.0, -0.5, 1.0] * 8
    assert candidate(leads, free=-4.0).fit.weight == 1.0
    assert candidate(leads, free=4.0).fit.weight == 0.0
    assert candidate(leads, free=-4.0, fixed=True).fit.weight == 0.0
    assert candidate(leads, free=-4.0).final == msgspec.structs.replace(PROMPT, weight=1.0)


def test_the_fit_follows_the_scores():
    growing = candidate([1.0] * 8, free=4.0)
    assert growing.fit.weight == 0.0
    growing.scored += candidate([-1.0] * 80, free=-4.0).scored
    assert growing.fit.weight > 0.0


@pytest.mark.parametrize("inverse_temperature", [1.0, 0.25])
def test_a_wrong_answer_costs_a_nat_more_than_its_loss(inverse_temperature):
    fitted = Fit(0.0, inverse_temperature=inverse_temperature)
    [right], [wrong] = candidate([0.8]).scored, candidate([-0.8]).scored
    losses = [s.loss(fitted, "accuracy", inverse_temperature) for s in (right, wrong)]
    assert penalties([right, wrong], fitted, Objective()) == [losses[0], losses[1] + 1]
    assert losses[1] == pytest.approx(losses[0] + 0.8 * inverse_temperature, abs=2e-4)


def test_one_answer_that_is_written_badly_wrong_does_not_outweigh_one_that_is_right():
    def written(right: bool, nll: float) -> Written:
        return Written("1", "", float(right), right, (right, not right, not right), nll)

    bold = [written(True, 0.1), written(True, 0.1), written(False, 12.0), written(False, 12.0)]
    timid = [written(False, 2.0) for _ in range(4)]
    plain = Fit(0.0)
    assert sum(o.loss(plain, "accuracy") for o in bold) > sum(
        o.loss(plain, "accuracy") for o in timid
    )
    assert sum(penalties(bold, plain, Objective())) < sum(penalties(timid, plain, Objective()))
    worse = [written(False, 3.0) for _ in range(4)]
    assert sum(penalties(timid, plain, Objective())) < sum(penalties(worse, plain, Objective()))


def test_each_case_is_penalised_under_a_calibration_that_was_fitted_to_others():
    found = candidate([8.0] * 20 + [-8.0] * 4)
    for n in (24, 3):
        outcomes = held_out(found.scored[:n], Objective())
        assert found.penalties(n) == penalties(outcomes, Fit(0.0), Objective())
    fixed = candidate([8.0] * 20 + [-8.0] * 4, fixed=True)
    assert fixed.fit.inverse_temperature < 1
    assert fixed.penalties(24) == penalties(fixed.scored, fixed.fit, Objective())


def bold_and_timid() -> list[Scored]:
    """Right four times in five and sure of it at weight 1, a coin's toss and unsure at weight 0."""
    return [
        Scored(str(n), 0, (plain, 0.0), (plain - (8.0 if n % 5 else -8.0), 0.0))
        for n, plain in enumerate([0.1, -0.1] * 20)
    ]


def test_the_fit_prefers_the_weight_that_decides_better_to_one_that_is_merely_less_bold():
    scored = bold_and_timid()
    bold, timid = (
        Candidate(msgspec.structs.replace(PROMPT, weight=weight), "test", scored=scored, fixed=True)
        for weight in (1.0, 0.0)
    )
    assert bold.estimate.value > timid.estimate.value and bold.loss > timid.loss
    assert fit_inverse_temperature(scored, [timid.prompt, bold.prompt], Objective()) == bold.fit
    assert bold.fit == Fit(1.0, inverse_temperature=0.25)
    assert difference(bold, timid).proves_better(1.64)


def test_where_all_fits_are_as_good_the_prompt_is_left_as_it_is():
    assert candidate([0.0] * 8).fit == Fit(0.0)


def test_better_needs_a_paired_gain_that_noise_does_not_explain():
    base = candidate([1.0] * 24)
    clearly = candidate([2.0] * 12 + [2.2] * 12)
    luckily = candidate([1.0] * 23 + [9.0])
    clear, lucky = difference(clearly, base), difference(luckily, base)
    assert clear.proves_better(1.64) and not lucky.proves_better(1.64) and lucky.mean < 0
    assert not difference(base, base).proves_better(1.64) and difference(base, base).mean == 0
    assert not difference(base, clearly).proves_better(1.64)


def explored(seed: int, count: int) -> list[str]:
    races = Races(lambda prompt: len(prompt.example) / 50)
    entries = races.race.entries
    lab = Lab(races.race, SPACE, {"founder": ("f1",)}, seed)
    drive(
        formats.propose(lab), races.race, depth=FIRST, accept=AHEAD,
        going=lambda: len(entries) < count,
    )  # fmt: skip
    assert {len(c.scored) for c in entries.values()} == {FIRST}
    return [c.prompt.id for c in entries.values()]


def test_exploring_is_a_function_of_its_seed(capfd):
    # More than the sampler's random start, so that the model of the good ones is in play.
    first = explored(3, 24)
    assert first == explored(3, 24) != explored(4, 24)
    assert len(first) == 24 and capfd.readouterr() == ("", "")


def test_methods_end_when_their_patience_does():
    """The first brings something new once, the second never does."""
    turns: list[str] = []

    def bringing(name: str, new: int):
        def propose(lab: Lab):
            for number in range(100):
                turns.append(name)
                yield [Proposal(PROMPT, name)] * (number < new)

        return Method(propose, patience=3)

    found = in_turn([bringing("a", 1), bringing("b", 0)], None)
    proposals = next(found)
    with suppress(StopIteration):
        while True:
            proposals = found.send([candidate([1.0])] * len(proposals))
    assert turns == [*"ababab", "a"]


def test_a_method_that_has_no_more_to_say_leaves_its_turn_to_the_others():
    def brief(lab: Lab):
        yield [Proposal(PROMPT, "brief")]

    def endless(lab: Lab):
        while True:
            yield [Proposal(PROMPT, "endless")]

    found = in_turn([Method(brief), Method(endless)], None)
    said = [next(found)[0].operator]
    said += [found.send([candidate([1.0])])[0].operator for _ in range(4)]
    assert said == ["brief"] + ["endless"] * 4


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Name the relation of the two.", "Name the relation of the two."),
        ("  Name the\n relation.\n\nI hope this helps!", "Name the relation."),
        ('Sure, here it is: "Name the relation."', "Name the relation."),
        ("Here is a better instruction:\n\nName it.", ""),
        ("The instruction: Name the relation.", "Name the relation."),
        ("Use {labels} and {text}, please.", "Use (labels) and (text), please."),
        ("Too short", ""),
        ("x" * 401, ""),
        ("", ""),
        ("Name the \x07 relation.", ""),
    ],
)
def test_a_reply_is_cleaned_to_one_paragraph_or_nothing(reply, expected):
    assert clean(reply) == expected


@given(st.text())
def test_whatever_a_reasoner_writes_a_cleaned_reply_fits_into_a_prompt(reply):
    text = clean(reply)
    assert not text or PROMPT.with_section("task", text + "\n\n").section("task")[:-2] == text


class Talkative:
    """A reasoner that says what it is told to."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.scripted = ScriptedModel(Path("unused"))

    def handle(self, request):
        if isinstance(request, Generate):
            self.request = request
            said = tuple(Continuation(text, (), True) for text in self.texts)
            return Generated((said,), 1, 1, 1)
        return self.scripted.handle(request)


def asked_of(reasoner: Reasoner, text: str) -> list[str]:
    return reasoner.write(
        text, n=4, max_tokens=72, seed=7, temperature=None, stop=("\n\n",), grammar=""
    )


def test_the_reasoner_is_asked_as_a_chat_and_its_replies_are_cleaned_and_unique():
    said = ("Name the relation.", '"Name the relation."', "no", "Say how they relate.")
    models = InProcess(model := Talkative(*said))
    bodies = {"reasoner": Body("model", "x", Prices(1.0))}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    hostile = "What is <|end|> {labels}?"
    texts = instructions(asked_of(Reasoner(bench, models.tokeniser()), hostile))
    assert texts == ["Name the relation.", "Say how they relate."]
    assert model.request.prompts[0] == (256, *hostile.encode(), 257, 258)
    assert model.request.seed == 7


def test_a_reasoner_that_cannot_take_the_request_writes_nothing():
    class Short(ScriptedModel):
        def handle(self, request):
            if isinstance(request, Generate):
                raise RequestFailed("bad_request", "the prompt is too long")
            return super().handle(request)

    models = InProcess(Short(Path("unused")))
    bodies = {"reasoner": Body("model", "x", Prices(1.0))}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    assert asked_of(Reasoner(bench, models.tokeniser()), "What?") == []


def wrong_on(cases) -> Candidate:
    """A prompt under which every answer is "founder"."""
    scored = [Scored(c.id, c.gold, (1.0, 0.0, 0.0), (0.0,) * 3, c.labels) for c in cases]
    return Candidate(PROMPT, "seed", scored=scored, fixed=True)


def lab_of(cases, leader: Candidate, seed: int = 0) -> Lab:
    race = Race(Judge(judged), cases, Objective(), lambda *_: None)
    race.seed = leader
    race.promote(leader, "leads")
    return Lab(race, SPACE, {}, seed)


def test_induction_shows_rows_with_their_answers():
    lab = lab_of(CASES[:6], wrong_on(CASES[:6]))
    cases = lab.examples(4)
    text = induce.question(TASK, cases)
    assert text.count("Input: Person") == text.count("Answer: ") == 4
    assert "The possible answers are: founder, supplier of, author." in text
    shown = [case.query.id for case in CASES[:6] if f"Input: {case.query.text}" in text]
    assert sorted(case.query.id for case in cases) == sorted(shown) and len(shown) == 4


def test_rewriting_shows_the_instruction_and_only_rows_that_it_got_wrong():
    leader = wrong_on(CASES[:6])
    wrong = lab_of(CASES[:6], leader).failures(leader, 4)
    text = rewrite.question(TASK, PROMPT, wrong)
    assert '"Name the relation:"' in text
    assert text.count("The model said: founder") == 4
    assert "Answer: founder" not in text and "Answer: author" in text
    shown = [case.query.id for case in CASES[:6] if f"Input: {case.query.text}" in text]
    assert sorted(f.case.query.id for f in wrong) == sorted(shown) and len(shown) == 4


def test_a_failure_says_what_was_predicted_what_is_right_and_the_loss():
    leader = wrong_on(CASES[:6])
    for failure in lab_of(CASES[:6], leader).failures(leader, 6):
        assert isinstance(failure, Failure) and failure.predicted == "founder"
        assert failure.gold == failure.case.query.label != "founder"
        assert failure.loss > 0.5


def test_there_is_nothing_to_rewrite_where_nothing_went_wrong():
    founders = [case for case in CASES if case.gold == 0]
    leader = wrong_on(founders)
    assert lab_of(founders, leader).failures(leader, 4) == []
    assert next(rewrite.propose(lab_of(founders, leader))) == []


def test_rows_that_may_not_ship_are_never_shown_to_the_reasoner():
    mixed = [CASES[n] if n % 4 == 1 else PRIVATE[n] for n in range(24)]
    may_ship = {case.query.id for case in mixed if case.query.may_ship}
    for seed in range(10):
        lab = lab_of(mixed, leader := wrong_on(mixed), seed)
        failures = lab.failures(leader, 4)
        for cases, text in (
            (examples := lab.examples(4), induce.question(TASK, examples)),
            ([f.case for f in failures], rewrite.question(TASK, PROMPT, failures)),
        ):
            assert cases and {case.query.id for case in cases} <= may_ship
            assert not any(c.query.text in text for c in mixed if not c.query.may_ship)
    lab = lab_of(PRIVATE, leader := wrong_on(PRIVATE))
    assert lab.examples(4) == lab.failures(leader, 4) == []


def test_a_case_whose_support_may_not_ship_is_not_shown_to_the_reasoner():
    hidden = PRIVATE[0].query
    shown = [msgspec.structs.replace(case, support=(CASES[0].query,)) for case in CASES[1:7]]
    mixed = [*shown, *(msgspec.structs.replace(case, support=(hidden,)) for case in CASES[7:13])]
    lab = lab_of(mixed, leader := wrong_on(mixed))
    allowed = {case.id for case in shown}
    assert {case.id for case in lab.examples(12)} == allowed
    assert {failure.case.id for failure in lab.failures(leader, 12)} < allowed


def test_a_lab_without_budget_asks_nothing_and_one_without_a_reasoner_says_so():
    lab = lab_of(CASES[:6], wrong_on(CASES[:6]))
    with pytest.raises(LookupError):
        lab.write("What?")
    lab = Lab(lab._race, SPACE, {}, 0, Reasoner(None, None))
    lab.going = lambda: False
    with pytest.raises(Ended):
        lab.write("What?")


def test_the_best_have_seen_the_most_cases_and_lost_the_least():
    races = Races(by_role)
    races.first_rung(1, 5, 2)
    deep = races.enter(PROMPT.with_section("role", "3"), 2 * FIRST)
    lab = Lab(races.race, SPACE, {}, 0)
    assert [c.prompt.section("role") for c in lab.best(4)][:1] == ["3"] and lab.best(1) == [deep]
    shallow = [c.prompt.section("role") for c in lab.best(9) if len(c.scored) == FIRST]
    assert shallow == ["5", "2", "1"]
    assert set(lab.population) == set(lab.best(99)) and lab.leader is deep


def test_in_a_round_with_a_proof_the_first_that_is_proven_ends_it():
    races = Races()
    bad, good, fair = enter(races.race, BAD, GOOD, FAIR, accept=Proven(0.05))
    assert races.race.leader is good and fair is None and bad is not None
    assert races.outcomes[-2:] == [("bad", "dropped"), ("good", "accepted")]


class NarrowModel(ScriptedModel):
    """Takes requests of so many bytes a case and no more."""

    def __init__(self, folder: Path, room: int) -> None:
        super().__init__(folder)
        self.room = room

    def handle(self, request):
        if isinstance(request, Score) and max(map(_length(request), request.segments)) > self.room:
            raise RequestFailed("bad_request", "the prompt is too long")
        return super().handle(request)


def _length(request: Score):
    def length(segment) -> int:
        parent = request.segments[segment.parent] if segment.parent >= 0 else None
        return len(segment.tokens) + (length(parent) if parent else 0)

    return length


def run_search(
    folder: Path,
    budget: float,
    *,
    finishing: bool = False,
    cases=CASES,
    room: int = 10_000,
    journal: MemoryJournal | None = None,
):
    models = InProcess(NarrowModel(folder, room))
    prices = Prices(0.01, 0.01)
    bodies = {role: Body("model", role, prices) for role in ("search", "reasoner")}
    bench = Workbench(models, bodies, journal or MemoryJournal(), lambda: None)
    tokeniser = models.tokeniser()
    outcomes = []
    race = Race(
        Evaluator(bench, Renderer(TASK, {}, tokeniser)), cases[:30], Objective(),
        lambda c, outcome: outcomes.append((c.operator, c.prompt.id, outcome)),
    ).start(PROMPT)  # fmt: skip
    bench.finishing = finishing
    lab = Lab(race, SPACE, {}, 5, Reasoner(bench, tokeniser))
    finalists = search(lab, race, bench, budget=budget, depth=30)
    return finalists, outcomes, bench, race


def test_a_search_is_deterministic_uses_all_its_operators_and_ends_with_its_budget(tmp_path):
    finalists, outcomes, bench, contest = run_search(tmp_path, 1500.0)
    again = run_search(tmp_path, 1500.0)
    assert (outcomes, bench.spent) == (again[1], again[2].spent)
    assert [c.final for c in finalists] == [c.final for c in again[0]]
    operators = {operator for operator, _, _ in outcomes}
    assert operators >= {"seed", "calibrate", "format", "induce", "mutate"}
    assert 1500 <= bench.spent < 2000
    penalties = [sum(c.penalties(30)) for c in (*finalists, contest.leader)]
    assert len(finalists) == FINALISTS and penalties[0] == min(penalties) == penalties[-1]
    written = [c for c in contest.entries.values() if c.operator in ("induce", "rewrite")]
    said = {re.sub(r"\{\w+\}", "", c.prompt.section("task")).strip() for c in written}
    assert said <= set(WRITTEN)
    may_be_shown = {case.query.id for case in CASES[:30]}
    assert written and all(c.rows and set(c.rows) <= may_be_shown for c in written)


def test_a_search_over_rows_that_may_not_ship_never_asks_the_reasoner(tmp_path):
    _, outcomes, bench, _ = run_search(tmp_path, 600.0, cases=PRIVATE)
    assert {operator for operator, _, _ in outcomes} == {
        "seed",
        "calibrate",
        "portfolio",
        "format",
        "mutate",
    }
    assert not any(isinstance(request, Generate) for request in bench.models.calls)


def test_a_search_passes_over_prompts_that_are_too_long_and_is_replayed_as_it_was(tmp_path):
    finalists, outcomes, bench, contest = run_search(tmp_path, 600.0, room=150)
    replies = [decode_reply(line.reply) for line in bench.journal.lines]
    failed = sum(isinstance(reply, Failed) for reply in replies)
    assert 0 < failed < len(replies) and len(finalists) == FINALISTS
    assert {id for _, id, _ in outcomes} == {c.prompt.id for c in contest.entries.values()}
    again = run_search(tmp_path, 600.0, room=150, journal=MemoryJournal(bench.journal.lines))
    assert again[2].models.calls == [] and again[1] == outcomes
    assert again[2].spent == bench.spent >= 600


def test_a_search_that_is_told_to_finish_asks_nothing_more(tmp_path):
    finalists, outcomes, bench, _ = run_search(tmp_path, 1500.0, finishing=True)
    assert [c.prompt for c in finalists] == [PROMPT]
    assert [operator for operator, _, _ in outcomes] == ["seed", "calibrate"]
    assert len(bench.journal.lines) == 1


def test_a_policy_chooses_what_is_changed_and_is_told_what_came_of_it():
    class Ends:
        """Changes how answers end, whatever else there is."""

        def __init__(self) -> None:
            self.told: list[tuple[str, bool]] = []

        def choose(self, lab: Lab, options) -> str:
            assert "wording" in options
            return "end"

        def learn(self, option: str, candidate: Candidate | None) -> None:
            self.told.append((option, candidate is not None))

    races, policy = Races(), Ends()
    lab = Lab(races.race, SPACE, {}, 3)
    method = Method(lambda lab: local.propose(lab, policy), patience=20)
    drive(in_turn([method], lab), races.race, depth=FIRST, accept=AHEAD, going=lambda: True)
    entered = [c for c in races.race.entries.values() if c.operator == "mutate"]
    assert entered and {c.section for c in entered} == {"example"}
    assert {c.prompt.stem for c in entered} == {PROMPT.stem}
    assert {option for option, _ in policy.told} == {"end"}
    assert sum(new for _, new in policy.told) == len(entered)


class Late(Judge):
    """The prompt "late" is the worst on the cases of the first rung and the best on all others."""

    def score(self, prompt, cases, role="search"):
        return (
            [
                msgspec.structs.replace(one, plain=(0.0,) * 3) if case in CASES[:FIRST] else one
                for case, one in zip(cases, super().score(prompt, cases, role), strict=True)
            ]
            if prompt.section("role") == "late"
            else super().score(prompt, cases, role)
        )


@pytest.mark.parametrize("left", [0, 1, 100])
def test_halving_passes_over_none_that_was_scored_on_more_cases_already(left):
    races = Races(judge=Late(lambda prompt: 9.0 if prompt.section("role") == "late" else 1.0))
    races.first_rung("late", *range(8))
    late = next(c for c in races.race.entries.values() if c.prompt.section("role") == "late")
    races.race.extend(late, len(CASES))
    steps = iter([True] * left)
    races.race.halve(keep=1, depth=len(CASES), going=lambda: next(steps, False))
    assert races.race.leader is late


def test_who_leads_is_told_once_each_time_another_one_does():
    told: list[Candidate] = []
    race = Race(Judge(judged), CASES, Objective(), lambda *_: None, told.append).start(PROMPT)
    worse, better = (PROMPT.with_section("role", role) for role in ("bad\n", "good\n"))
    enter(race, worse, better)
    race.settle(("words",), len(CASES), lambda: True)
    assert told[:2] == [race.seed, race.copy] and told[2:] == [race.leader]
    assert race.leader.prompt == better
