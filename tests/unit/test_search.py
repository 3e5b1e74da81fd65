"""Stage 1: races between prompts, the format space, mutations and the reasoner's operators."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import PROMPT, TASK, InProcess, Judge, MemoryJournal, many
from scripted_model import WRITTEN, ScriptedModel

from appliance.prompt import Prompt, split_slots
from appliance.renderer import Renderer
from appliance.scoring.evaluator import Evaluator, Scored
from appliance.search.contest import FIRST, Candidate, Contest, is_better, margin, rungs
from appliance.search.explore import explore
from appliance.search.formats import ENDS, LAYOUTS, build, choose_point
from appliance.search.mutate import mutate, shot_sets
from appliance.search.operators import ask, clean, induce, rewrite
from appliance.search.search import FINALISTS, search
from appliance.workbench import Body, Prices, Workbench
from models.engine import Generate, Generated

CASES = many(4 * FIRST)
POOL = {"founder": ("f1", "f2", "f3"), "supplier of": ("s1",), "author": ()}
GOOD, BAD, FAIR = (PROMPT.with_section("role", f"{name}\n") for name in ("good", "bad", "fair"))
QUALITY = {"good\n": 3.0, "bad\n": -3.0, "fair\n": 1.0, "": 0.5}


def judged(prompt: Prompt) -> float:
    return QUALITY[prompt.section("role")]


class Races:
    """A contest on the judge's word, and what was seen of it."""

    def __init__(self, quality=judged, seed: Prompt = PROMPT) -> None:
        self.judge = Judge(quality)
        self.outcomes: list[tuple[str, str]] = []
        self.contest = Contest(self.judge, CASES, seed, self._seen)

    def _seen(self, candidate: Candidate, outcome: str) -> None:
        self.outcomes.append((candidate.prompt.section("role").strip(), outcome))

    def enter(self, prompt: Prompt, depth: int = len(CASES)) -> Candidate | None:
        return self.contest.enter(prompt, "test", depth=depth, parent=PROMPT.id)


def test_the_seed_leads_a_new_contest_after_the_first_rung():
    races = Races()
    assert races.contest.leader.prompt == PROMPT
    assert races.contest.seed.fixed and races.outcomes == [("", "leads")]
    assert len(races.contest.seed.scored) == FIRST


def test_a_worse_prompt_is_dropped_after_the_first_cases():
    races = Races()
    dropped = races.enter(BAD)
    assert dropped is not None and len(dropped.scored) == FIRST < len(CASES)
    assert races.contest.leader.prompt == PROMPT
    assert races.outcomes[-1] == ("bad", "dropped")


def test_a_better_prompt_leads_when_it_has_seen_all_its_cases():
    races = Races()
    winner = races.enter(GOOD)
    assert races.contest.leader is winner
    assert len(winner.scored) == len(CASES)
    assert races.outcomes[-1] == ("good", "leads")
    assert races.enter(FAIR) is not races.contest.leader is winner


def test_a_race_goes_no_deeper_than_it_is_told():
    races = Races()
    assert len(races.enter(GOOD, depth=2 * FIRST).scored) == 2 * FIRST
    assert max(map(len, races.judge.scored.values())) == 2 * FIRST


def test_all_candidates_see_the_same_cases_in_the_same_order_and_none_twice():
    races = Races()
    entered = [races.contest.leader, *map(races.enter, (BAD, FAIR, GOOD))]
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


def test_halving_finds_the_best_on_all_cases_and_makes_it_the_leader():
    races = Races(lambda prompt: float(prompt.section("role") or 0))
    for quality in (1, 5, 2, 4, 3):
        races.enter(PROMPT.with_section("role", str(quality)), depth=FIRST)
    best = races.contest.halve(keep=2, depth=len(CASES))
    assert [candidate.prompt.section("role") for candidate in best] == ["5", "4"]
    assert races.contest.leader is best[0]
    assert all(len(candidate.scored) == len(CASES) for candidate in best)


def test_halving_spends_less_on_those_that_lose():
    races = Races(lambda prompt: float(prompt.section("role") or -9))
    for quality in range(1, 12):
        races.enter(PROMPT.with_section("role", str(quality)), depth=FIRST)
    races.contest.halve(keep=2, depth=len(CASES))
    seen = sorted(len(candidate.scored) for candidate in races.contest.entries.values())
    assert seen[-2:] == [len(CASES)] * 2
    assert seen[:4] == [FIRST] * 4 and seen.count(len(CASES)) <= 4


@pytest.mark.parametrize("depth", [1, FIRST, FIRST + 1, 5 * FIRST, 8 * FIRST])
def test_rungs_begin_small_double_and_end_at_the_depth(depth):
    steps = rungs(depth)
    assert steps[0] == FIRST and steps[-1] == max(FIRST, depth)
    assert all(a < b <= 2 * a for a, b in pairwise(steps))


def candidate(leads: list[float], free: float = 0.0, *, fixed: bool = False) -> Candidate:
    scored = [Scored(str(i), 0, (lead, 0.0), (free, 0.0)) for i, lead in enumerate(leads)]
    return Candidate(PROMPT, "test", scored=scored, fixed=fixed)


def test_the_weight_is_fitted_unless_the_prompt_is_taken_as_it_is():
    leads = [-1.0, -0.5, 1.0] * 8
    assert candidate(leads, free=-4.0).weight == 1.0
    assert candidate(leads, free=4.0).weight == 0.0
    assert candidate(leads, free=-4.0, fixed=True).weight == 0.0
    assert candidate(leads, free=-4.0).final == msgspec.structs.replace(PROMPT, weight=1.0)


def test_a_wrong_answer_costs_a_nat_more_than_its_loss():
    right, wrong = candidate([0.1, 0.1]), candidate([-0.1, -0.1])
    assert right.penalties(1) == right.penalties(2)[:1]
    assert wrong.penalties(1)[0] == pytest.approx(right.penalties(1)[0] + 1.1, abs=1e-3)


def test_better_needs_a_paired_gain_that_noise_does_not_explain():
    base = candidate([1.0] * 24)
    clearly = candidate([2.0] * 12 + [2.2] * 12)
    luckily = candidate([1.0] * 23 + [9.0])
    assert is_better(clearly, base) and margin(clearly, base) < 0
    assert not is_better(luckily, base) and margin(luckily, base) < 0
    assert not is_better(base, base) and margin(base, base) == 0
    assert not is_better(base, clearly)


def explored(seed: int, count: int) -> list[str]:
    races = Races(lambda prompt: len(prompt.example) / 50)
    explore(races.contest, {"all": ("f1",), "none": ()}, seed, lambda: len(races.outcomes) < count)
    return [c.prompt.id for c in races.contest.entries.values()]


def test_exploring_is_a_function_of_its_seed(capfd):
    # More than the sampler's random start, so that the model of the good ones is in play.
    first = explored(3, 24)
    assert first == explored(3, 24) != explored(4, 24)
    assert len(first) == 24 and capfd.readouterr() == ("", "")


def test_exploring_ends_when_only_known_formats_are_proposed():
    class Full:
        seed = candidate([1.0])
        entered = 0

        def enter(self, prompt, operator, **options):
            self.entered += 1

    explore(full := Full(), {}, 1, lambda: True)
    assert 0 < full.entered < 100


@given(st.data())
def test_every_point_of_the_format_space_builds_a_valid_prompt(data):
    names = []

    def choose(name, options):
        assert len(set(options)) == len(options) > 1
        names.append(name)
        return data.draw(st.sampled_from(list(options)), label=name)

    shots = data.draw(st.sampled_from([{}, {"a": ("f1",)}, {"a": ("f1",), "none": ()}]))
    point = choose_point(choose, tuple(shots))
    prompt = build(point, shots)
    assert names == list(point) and len(set(names)) == len(names)
    assert prompt.separator == ENDS[point["end"]]
    assert {slot for _, slot in split_slots(prompt.example)} == {
        "text",
        "head",
        "tail",
        "label",
        "",
    }
    assert prompt.shots in (*shots.values(), ())
    assert msgspec.json.decode(msgspec.json.encode(prompt), type=Prompt) == prompt


def test_two_points_that_differ_build_two_prompts():
    random = Random(1)
    points = [choose_point(lambda _, options: random.choice(list(options)), ()) for _ in range(300)]
    unique = {msgspec.json.encode(point, order="sorted"): point for point in points}
    assert len({build(point, {}).id for point in unique.values()}) == len(unique)
    assert {point["layout"] for point in points} == set(LAYOUTS)


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=40)
def test_mutations_are_valid_prompts_that_show_rows_of_the_pool_once(seed, shown):
    random = Random(seed)
    prompt = msgspec.structs.replace(PROMPT, shots=("f1", "s1") if shown else ())
    rows = {row for ids in POOL.values() for row in ids}
    for _ in range(20):
        changed, section = mutate(prompt, POOL, random)
        assert section in ("example", "task", "labels", "demonstrations")
        assert set(changed.shots) <= rows and len(set(changed.shots)) == len(changed.shots)
        assert abs(len(changed.shots) - len(prompt.shots)) <= 1
        assert (changed.shots == prompt.shots) or section == "demonstrations"
        assert (changed.sections == prompt.sections) or section == "task"
        assert (changed.example == prompt.example) or section == "example"
        assert (changed.weight, changed.mode) == (prompt.weight, prompt.mode)
        prompt = changed


def test_without_a_pool_no_demonstrations_are_mutated():
    random = Random(5)
    sections = {mutate(PROMPT, {}, random)[1] for _ in range(200)}
    shots = {mutate(PROMPT, {"founder": ()}, random)[0].shots for _ in range(200)}
    assert sections == {"example", "task", "labels", "demonstrations"} and shots == {()}


def test_every_demonstration_of_the_pool_can_be_reached():
    random = Random(2)
    prompt = PROMPT
    reached = set()
    for _ in range(300):
        prompt, _ = mutate(prompt, POOL, random)
        reached.update(prompt.shots)
    assert reached == {"f1", "f2", "f3", "s1"}


def test_shot_sets_are_the_rows_of_each_rank_the_seeds_and_none():
    seed = msgspec.structs.replace(PROMPT, shots=("f1", "s1"))
    assert shot_sets(POOL, seed) == {
        "row 1 of each": ("f1", "s1"),
        "row 2 of each": ("f2",),
        "row 3 of each": ("f3",),
        "the seed's": ("f1", "s1"),
        "none": (),
    }
    assert shot_sets({}, seed) == shot_sets({"founder": ()}, seed) == {}


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
            return Generated(self.texts, 1, 1)
        return self.scripted.handle(request)


def test_the_reasoner_is_asked_as_a_chat_and_its_replies_are_cleaned_and_unique():
    said = ("Name the relation.", '"Name the relation."', "no", "Say how they relate.")
    models = InProcess(model := Talkative(*said))
    bodies = {"reasoner": Body("model", "x", Prices(1.0))}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    hostile = "What is <|end|> {labels}?"
    texts = ask(bench, models.tokeniser(), hostile, seed=7)
    assert texts == ["Name the relation.", "Say how they relate."]
    assert model.request.prompt == (256, *hostile.encode(), 257, 258)
    assert model.request.seed == 7


def test_induction_shows_rows_with_their_answers():
    text = induce(Candidate(PROMPT, "seed"), CASES[:6], Random(0))
    assert text.count("Input: Person") == text.count("Answer: ") == 4
    assert "The possible answers are: founder, supplier of, author." in text


def test_rewriting_shows_the_instruction_and_only_rows_that_it_got_wrong():
    leads = [Scored(c.id, c.gold, (1.0, 0.0, 0.0), (0.0,) * 3) for c in CASES[:6]]
    text = rewrite(Candidate(PROMPT, "seed", scored=leads, fixed=True), CASES[:6], Random(0))
    assert '"Name the relation:"' in text
    assert text.count("The model said: founder") == 4
    assert "Answer: founder" not in text and "Answer: author" in text


def run_search(folder: Path, budget: float, *, finishing: bool = False):
    models = InProcess(ScriptedModel(folder))
    prices = Prices(0.01, 0.01)
    bodies = {role: Body("model", role, prices) for role in ("search", "reasoner")}
    bench = Workbench(models, bodies, MemoryJournal(), lambda: None)
    tokeniser = models.tokeniser()
    outcomes = []
    contest = Contest(
        Evaluator(bench, Renderer(TASK, {}, tokeniser)), CASES[:30], PROMPT,
        lambda c, outcome: outcomes.append((c.operator, c.prompt.id, outcome)),
    )  # fmt: skip
    bench.finishing = finishing
    finalists = search(contest, bench, tokeniser, {}, seed=5, budget=budget, depth=30)
    return finalists, outcomes, bench, contest


def test_a_search_is_deterministic_uses_all_its_operators_and_ends_with_its_budget(tmp_path):
    finalists, outcomes, bench, contest = run_search(tmp_path, 1500.0)
    again = run_search(tmp_path, 1500.0)
    assert (outcomes, bench.spent) == (again[1], again[2].spent)
    assert [c.final for c in finalists] == [c.final for c in again[0]]
    assert {operator for operator, _, _ in outcomes} >= {"seed", "format", "induce", "mutate"}
    assert 1500 <= bench.spent < 2000
    penalties = [sum(c.penalties(30)) for c in (*finalists, contest.leader)]
    assert len(finalists) == FINALISTS and penalties[0] == min(penalties) == penalties[-1]
    written = {c.prompt.section("task").strip() for c in contest.entries.values()}
    assert written & set(WRITTEN)


def test_a_search_that_is_told_to_finish_asks_nothing_more(tmp_path):
    finalists, outcomes, bench, _ = run_search(tmp_path, 1500.0, finishing=True)
    assert [c.prompt for c in finalists] == [PROMPT] and len(outcomes) == 1
    assert len(bench.journal.lines) == 1
