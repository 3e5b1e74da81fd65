"""Stage 2: spans that matter, local edits of them, and their verification."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import (
    LABELS,
    PROMPT,
    TASK,
    InProcess,
    Judge,
    MemoryJournal,
    WordModel,
    case,
    many,
    row,
)
from scripted_model import ScriptedModel

from appliance.calibrate.objective import Objective
from appliance.encode.renderer import Renderer
from appliance.evaluate.evaluator import Evaluator
from appliance.evaluate.workbench import (
    Body,
    Prices,
    Unanswerable,
    Workbench,
)
from appliance.prompts.prompt import Prompt, Section, split_slots
from appliance.prompts.render import literals
from appliance.refine.edit import local_edits
from appliance.refine.gradient import Gradient, gradient
from appliance.refine.locate import GROWTH, MAX_TOKENS, Span, grow
from appliance.refine.loop import refine
from appliance.refine.methods.gradpo import CASES
from appliance.refine.vocabulary import Vocabulary
from appliance.refine.workshop import Workshop
from appliance.scoring.outcomes import Scored
from appliance.search.candidate import Candidate
from appliance.search.race import Race
from appliance.search.schedule import FIRST
from models.engine import Differentiate, Gradients, Proposals, Propose
from models.protocol import RequestFailed

ROWS = many(3 * FIRST)
LINE = [(0, at, at + 1) for at in range(8)]
"""Eight tokens of one byte each in one literal."""


def tokens_of(spans: list[Span]) -> list[tuple[int, ...]]:
    return [span.tokens for span in spans]


def test_spans_begin_at_the_largest_norms():
    spans = grow(LINE, [0.1, 9, 0.1, 0.1, 5, 0.1, 0.1, 7], 2)
    assert [(span.peak, span.tokens) for span in spans] == [(1, (1,)), (7, (7,))]
    assert (spans[0].literal, spans[0].start, spans[0].end) == (0, 1, 2)


def test_a_span_grows_to_neighbours_with_six_tenths_of_its_peak():
    assert tokens_of(grow(LINE, [0, 6.0, 10, 5.9, 0, 0, 0, 0], 1)) == [(1, 2)]
    assert tokens_of(grow(LINE, [0, 5.9, 10, 5.9, 0, 0, 0, 0], 1)) == [(2,)]
    [span] = grow(LINE, [0, 0, 10, 6, 7, 0, 0, 0], 1)
    assert (span.tokens, span.start, span.end, span.peak) == ((2, 3, 4), 2, 5, 2)


def test_the_peak_is_the_measure_not_the_neighbour():
    assert tokens_of(grow(LINE, [10, 7, 5, 0, 0, 0, 0, 0], 1)) == [(0, 1)]


def test_a_span_holds_no_more_than_three_tokens():
    spans = grow(LINE, [1.0] * 8, 8)
    assert max(map(len, tokens_of(spans))) == MAX_TOKENS
    assert sorted(token for span in spans for token in span.tokens) == list(range(8))


def test_spans_keep_to_their_literal_and_to_tokens_that_touch():
    owners = [(0, 0, 1), (1, 0, 1), (1, 3, 4)]
    assert tokens_of(grow(owners, [1.0] * 3, 3)) == [(0,), (1,), (2,)]


@given(st.data())
def test_spans_never_overlap_and_are_runs_of_tokens_near_their_peak(data):
    owners = []
    for literal in range(data.draw(st.integers(1, 3))):
        at = 0
        for width, gap in data.draw(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 1)))):
            owners.append((literal, at + gap, at + gap + width))
            at += gap + width
    owners = data.draw(st.permutations(owners))
    norms = data.draw(st.lists(st.floats(0, 10), min_size=len(owners), max_size=len(owners)))
    count = data.draw(st.integers(0, 6))
    spans = grow(owners, norms, count)
    assert len(spans) <= count
    taken = [token for span in spans for token in span.tokens]
    assert len(set(taken)) == len(taken)
    for span in spans:
        assert span.peak in span.tokens and len(span.tokens) <= MAX_TOKENS
        assert all(norms[token] >= GROWTH * norms[span.peak] for token in span.tokens)
        covered = sorted(owners[token] for token in span.tokens)
        assert {literal for literal, _, _ in covered} == {span.literal}
        assert (covered[0][1], covered[-1][2]) == (span.start, span.end)
        assert all(a[2] == b[1] for a, b in pairwise(covered))
    peaks = [norms[span.peak] for span in spans]
    assert peaks == sorted(peaks, reverse=True)


def leader(right: int, wrong: int) -> Candidate:
    scored = [
        Scored(case.id, case.gold, tuple(float((y == case.gold) == (n < right)) for y in range(3)),
               (0.0,) * 3)
        for n, case in enumerate(ROWS[: right + wrong])
    ]  # fmt: skip
    return Candidate(PROMPT, "test", scored=scored)


def balanced(given_leader: Candidate, seed: int):
    race = Race(Judge(lambda prompt: 0.0), ROWS, Objective(), lambda *_: None)
    lab = Workshop(race, Vocabulary(None, None), seed, len(ROWS), lambda: True)
    return lab.balanced(given_leader, CASES)


@pytest.mark.parametrize(
    ("right", "wrong", "shown_right", "shown_wrong"),
    [(30, 30, 8, 8), (30, 3, 13, 3), (30, 0, 16, 0), (3, 30, 3, 8), (2, 1, 2, 1)],
)
def test_half_of_a_gradients_cases_are_wrong_as_far_as_there_are(
    right, wrong, shown_right, shown_wrong
):
    shown = balanced(leader(right, wrong), 1)
    place = {case.id: number for number, case in enumerate(ROWS)}
    places = [place[case.id] for case in shown]
    assert sum(at < right for at in places) == shown_right
    assert sum(right <= at < right + wrong for at in places) == shown_wrong
    assert len(set(places)) == len(places) <= CASES


def test_a_gradients_cases_depend_on_the_random_source_alone():
    given_leader = leader(30, 30)
    assert balanced(given_leader, 1) == balanced(given_leader, 1)
    assert balanced(given_leader, 1) != balanced(given_leader, 2)


def workbench(models: InProcess) -> Workbench:
    bodies = {role: Body("model", role, Prices(0.01, 0.0, 0.01)) for role in ("search", "twin")}
    return Workbench(models, bodies, MemoryJournal(), lambda: None)


class Verifier(Judge):
    """The judge over a real renderer and workbench, so that gradients can be asked for."""

    def __init__(self, quality, folder: Path) -> None:
        super().__init__(quality, noise=0.0)
        models = InProcess(ScriptedModel(folder))
        self.renderer = Renderer(TASK, {}, models.tokeniser())
        self.bench = workbench(models)
        self.decisions = Evaluator(self.bench, self.renderer).decisions


def test_a_gradient_knows_what_stands_before_each_literal_token(tmp_path):
    verifier = Verifier(lambda prompt: 0.0, tmp_path)
    prompt = msgspec.structs.replace(PROMPT, weight=0.5, bias=(0.5, 0.0, -0.5))
    found = gradient(verifier, prompt, ROWS[:3], 0.5, {})
    numbered = literals(prompt)
    assert len(found.owners) == len(found.before) == len(found.reply.norms)
    for (literal, start, _), before in zip(found.owners, found.before, strict=True):
        text = bytes(before).decode()
        own = numbered[literal].text[:start]
        assert text.endswith(own)
        if numbered[literal].where == "task" and numbered[literal].index == 0:
            assert text == own
    [request] = verifier.bench.models.calls
    assert isinstance(request, Differentiate)
    assert all(choice.free and choice.weight == 0.5 for choice in request.choices)
    assert all(choice.inverse_temperature == 0.5 for choice in request.choices)
    assert all(choice.bias == prompt.bias for choice in request.choices)
    assert [choice.gold for choice in request.choices] == [case.gold for case in ROWS[:3]]


def test_no_row_stands_in_what_a_model_is_to_continue(tmp_path):
    """Rows of queries and of an episode's support may be private, and what a model has read it may
    write into the prompt."""
    verifier = Verifier(lambda prompt: 0.0, tmp_path)
    support = tuple(row("Secret Patient", "Clinic", label) for label in LABELS)
    private = [case(row("Dr. Hidden", "Ward"), *support), case(row("Nurse Veiled", "Ward"))]
    found = gradient(verifier, PROMPT, private, 1.0, {})
    local_edits(
        Vocabulary(verifier.bench, verifier.renderer.tokeniser),
        TASK,
        PROMPT,
        found,
        grow(found.owners, found.reply.norms, len(found.owners)),
    )
    [request] = [r for r in verifier.bench.models.calls if isinstance(r, Propose)]
    read = [bytes(prefix).decode() for prefix in request.prefixes]
    assert any("Sentence: N/A N/A\nHead: N/A\nTail: N/A" in text for text in read)
    for text in read:
        assert not any(word in text for word in ("Secret", "Clinic", "Hidden", "Veiled", "Ward"))


def test_a_refinement_differentiates_the_prompt_that_leads_with_its_weight(tmp_path):
    class Leaning(Verifier):
        def score(self, prompt, cases, role="search"):
            return [
                msgspec.structs.replace(
                    s, plain=(s.plain[0] + 4, *s.plain[1:]), free=(4.0, 0.0, 0.0)
                )
                for s in super().score(prompt, cases, role)
            ]

    verifier = Leaning(lambda prompt: 1.0, tmp_path)
    best, _, _ = refined(verifier)
    [first, *_] = [r for r in verifier.bench.models.calls if isinstance(r, Differentiate)]
    assert best.fit.weight == 1.0 and all(choice.free for choice in first.choices)
    fitted = {(choice.weight, choice.inverse_temperature) for choice in first.choices}
    assert fitted == {(best.fit.weight, best.fit.inverse_temperature)}


NOISY = msgspec.structs.replace(PROMPT, reverse="{label}: {text}\n")


def test_a_gradient_takes_what_the_channel_says_as_it_is(tmp_path):
    verifier = Verifier(lambda prompt: 1.0, tmp_path)
    half = msgspec.structs.replace(NOISY, channel_weight=0.5, bias=(0.5, 0.0, -0.5))
    given = {case.id: (-4.0, 0.0, 2.0) for case in ROWS[:3]}
    gradient(verifier, half, ROWS[:3], 0.5, given)
    [request] = verifier.bench.models.calls
    assert {choice.inverse_temperature for choice in request.choices} == {0.25}
    assert {choice.bias for choice in request.choices} == {(5.0, 0.0, -3.0)}


def test_where_the_channel_alone_decides_no_edit_is_proposed(tmp_path):
    class Reversed(Verifier):
        def score(self, prompt, cases, role="search"):
            return [
                msgspec.structs.replace(
                    s, plain=(0.0,) * 3, channel=tuple(9.0 * (y == s.gold) for y in range(3))
                )
                for s in super().score(prompt, cases, role)
            ]

    verifier = Reversed(lambda prompt: 0.0, tmp_path)
    contest = Race(verifier, ROWS, Objective(), lambda *_: None).start(NOISY)
    tokeniser = verifier.renderer.tokeniser
    best = refine(contest, verifier.bench, tokeniser, seed=1, budget=1e6, depth=len(ROWS))
    assert best.fit.channel_weight == 1.0 and best.prompt == NOISY
    assert verifier.bench.models.calls == []


def test_edits_that_are_only_as_good_are_hardly_ever_accepted(tmp_path):
    accepted = 0
    for run in range(20):
        verifier = Verifier(lambda prompt: 1.0, tmp_path)
        verifier.noise = 1.0
        prompt = PROMPT.with_section("role", f"{run}\n")
        contest = Race(verifier, ROWS, Objective(), lambda *_: None).start(prompt)
        tokeniser = verifier.renderer.tokeniser
        best = refine(contest, verifier.bench, tokeniser, seed=run, budget=1e6, depth=len(ROWS))
        accepted += best.prompt != prompt
    assert accepted <= 3


def test_without_a_weight_the_content_free_branch_gets_no_gradient(tmp_path):
    verifier = Verifier(lambda prompt: 0.0, tmp_path)
    gradient(verifier, PROMPT, ROWS[:2], 1.0, {})
    [request] = verifier.bench.models.calls
    assert all(choice.free == () for choice in request.choices)


TEMPLATES = st.sampled_from(
    [
        PROMPT,
        Prompt(sections=(), example="{text}\n({head}, {tail}, {label}\n"),
        Prompt(
            sections=(Section("role", "Étude: "), Section("task", "{labels}{definitions}\n")),
            example="{text} {head}->{tail}={label} | ",
        ),
        Prompt(sections=(Section("task", "a"),), example="{text}{label}."),
    ]
)


class Offers:
    """Answers proposals with the first tokens of a small vocabulary, hostile ones among them."""

    TEXTS = ("ok", " \n", "{label}", "}", "{", "", "\ufffd", "\x07", "é", "Relation", "{text}")

    def __init__(self) -> None:
        self.words = WordModel()
        self.words.vocabulary += self.TEXTS

    def handle(self, request):
        if not isinstance(request, Propose):
            return self.words.handle(request)
        assert all(request.prefixes)
        likely = tuple((3 + n, -float(n)) for n in range(len(self.TEXTS)))
        return Proposals(tuple(likely for _ in request.prefixes), 1, 1)


@given(TEMPLATES, st.data())
@settings(max_examples=60)
def test_edits_never_touch_slots_and_always_leave_a_separator(prompt, data):
    models = InProcess(Offers())
    numbered = literals(prompt)
    owned = data.draw(st.sampled_from([n for n, entry in enumerate(numbered) if entry.text]))
    size = len(numbered[owned].text.encode())
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    swaps = tuple((3 + n, 1.0 - n / 8) for n in range(len(Offers.TEXTS)))
    before = data.draw(st.sampled_from([(), (5, 6)]))
    found = Gradient(((owned, start, end),), (before,), Gradients((), (1.0,), (swaps,), 1))
    spans = [Span(owned, start, end, (0,), 0)]
    edits = local_edits(
        Vocabulary(workbench(models), models.tokeniser()), TASK, prompt, found, spans
    )
    assert len({edit.prompt.id for edit in edits} | {prompt.id}) == len(edits) + 1
    for edit in edits:
        assert edit.section == numbered[owned].where and edit.prompt.separator
        for section in prompt.sections:
            slots = [slot for _, slot in split_slots(section.text)]
            kept = edit.prompt.section(section.name)
            assert (not kept and slots == [""]) or [s for _, s in split_slots(kept)] == slots
        assert [s for _, s in split_slots(edit.prompt.example)] == [
            slot for _, slot in split_slots(prompt.example)
        ]


def test_edits_are_swaps_then_fluent_ones_then_a_deletion_of_each_span_in_turn():
    models = InProcess(Offers())
    owners = ((0, 0, 4), (0, 4, 8), (2, 0, 8))
    swaps = tuple(((12, 0.5), (3, 0.4), (11, -0.3)) for _ in owners)
    found = Gradient(owners, ((), (9,), (9, 9)), Gradients((), (3.0, 2.0, 1.0), swaps, 1))
    spans = [Span(2, 0, 8, (2,), 2), Span(0, 0, 8, (0, 1), 0)]
    edits = local_edits(
        Vocabulary(workbench(models), models.tokeniser()), TASK, PROMPT, found, spans
    )
    first = [edit for edit in edits if edit.section == "example"]
    assert [edit.operator for edit in first] == ["swap"] * 2 + ["fluent"] * 1 + ["delete"]
    assert first[0].prompt.example.startswith("Relation: {text}")
    assert first[-1].prompt.example.startswith(": {text}")
    # A swap replaces the peak's token alone, a deletion the span; nothing stands before the first.
    second = [edit for edit in edits if edit.section == "task"]
    assert edits == [*first, *second]
    assert [edit.operator for edit in second] == ["swap", "swap", "delete"]
    assert [edit.prompt.section("task")[:14] for edit in second] == [
        "Relation the r", "ok the relatio", " relation: {la",
    ]  # fmt: skip
    assert [len(request.prefixes) for request in models.calls] == [1]


def refined(verifier: Verifier, budget: float = 500.0, depth: int = len(ROWS)):
    outcomes: list[tuple[str, str]] = []
    contest = Race(
        verifier, ROWS, Objective(), lambda c, seen: outcomes.append((c.operator, seen))
    ).start(PROMPT)
    tokeniser = verifier.renderer.tokeniser
    best = refine(contest, verifier.bench, tokeniser, seed=4, budget=budget, depth=depth)
    return best, contest, outcomes


def test_the_prompt_of_stage_one_stands_when_no_edit_is_better(tmp_path):
    verifier = Verifier(lambda prompt: 1.0 if prompt == PROMPT else -2.0, tmp_path)
    best, contest, outcomes = refined(verifier)
    assert best.prompt == PROMPT and contest.leader is best
    assert outcomes[:2] == [("seed", "leads"), ("calibrate", "leads")]
    assert len(outcomes) > 4 and {seen for _, seen in outcomes[2:]} == {"dropped"}
    gradients = [r for r in verifier.bench.models.calls if isinstance(r, Differentiate)]
    assert len(gradients) == 2 and gradients[0] != gradients[1]


def test_an_edit_that_is_only_as_good_is_not_accepted(tmp_path):
    verifier = Verifier(lambda prompt: 1.0, tmp_path)
    best, contest, outcomes = refined(verifier)
    assert {seen for _, seen in outcomes[2:]} == {"kept"}
    assert best.prompt == PROMPT and contest.leader is best


def is_shorter(prompt: Prompt) -> float:
    longest = sum(len(entry.text) for entry in literals(PROMPT))
    return 3.0 if sum(len(entry.text) for entry in literals(prompt)) < longest else 0.0


def test_an_edit_that_is_clearly_better_is_accepted_and_edited_further(tmp_path):
    verifier = Verifier(is_shorter, tmp_path)
    best, contest, outcomes = refined(verifier)
    assert is_shorter(best.prompt) and contest.leader is best and best.operator == "delete"
    told = [entry for entry in outcomes[2:] if entry[1] not in ("kept", "dropped")]
    assert told == [("delete", "accepted")]
    assert len(best.scored) == len(ROWS)
    gradients = [r for r in verifier.bench.models.calls if isinstance(r, Differentiate)]
    assert len(gradients) == 3


def test_refinement_is_deterministic_in_its_seed(tmp_path):
    first, second = (refined(Verifier(is_shorter, tmp_path)) for _ in range(2))
    assert first[0].prompt == second[0].prompt and first[2] == second[2]


def test_refinement_without_budget_changes_nothing(tmp_path):
    verifier = Verifier(is_shorter, tmp_path)
    best, _, outcomes = refined(verifier, budget=0.0)
    assert best.prompt == PROMPT and len(outcomes) == 2
    assert verifier.bench.models.calls == []


def test_refinement_stops_when_told_to_finish(tmp_path):
    verifier = Verifier(is_shorter, tmp_path)
    verifier.bench.finishing = True
    assert refined(verifier)[0].prompt == PROMPT
    assert verifier.bench.models.calls == []


def test_an_edit_that_the_model_cannot_take_is_passed_over(tmp_path):
    class Narrow(Verifier):
        def score(self, prompt, cases, role="search"):
            if prompt != PROMPT and not is_shorter(prompt):
                raise Unanswerable("the prompt is too long")
            return super().score(prompt, cases, role)

    best, contest, outcomes = refined(Narrow(is_shorter, tmp_path))
    assert is_shorter(best.prompt) and contest.leader is best
    # Swaps come first and are of no length that it takes.
    assert outcomes[2] == ("delete", "accepted")


@pytest.mark.parametrize("kind", [Differentiate, Propose])
def test_the_prompt_stands_where_no_model_can_say_how_to_edit_it(tmp_path, kind):
    class Short(ScriptedModel):
        def handle(self, request):
            if isinstance(request, kind):
                raise RequestFailed("bad_request", "the prompt is too long")
            return super().handle(request)

    verifier = Verifier(is_shorter, tmp_path)
    verifier.bench.models.engine = Short(tmp_path)
    best, contest, outcomes = refined(verifier)
    assert best is contest.leader and best.prompt == PROMPT and len(outcomes) == 2
    asked = [request for request in verifier.bench.models.calls if isinstance(request, kind)]
    assert len(asked) == 2
