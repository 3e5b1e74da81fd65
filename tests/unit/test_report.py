"""What stands behind a verdict, against figures counted by hand."""

from __future__ import annotations

import json

import made_verdicts as made
import msgspec
import numpy as np
import pytest

from appliance.cli import figures
from appliance.statistics.proportions import wilson
from appliance.task import MULTIPLE, Case, Example
from appliance.verdict.report import words
from appliance.verdict.report.both import rated
from appliance.verdict.report.flips import LONGEST, excerpt
from appliance.verdict.report.labels import (
    Confused,
    Direction,
    by_label,
    confusions,
    macro_f1,
    matrix,
)
from appliance.verdict.report.reliability import CalibrationError, reliability
from appliance.verdict.report.report import Report
from appliance.verdict.verdict import Answer

MAIL = made.task("classify", ("post", "bill", "lost"))
ANSWERS = [
    made.answer("1", "post", "post", "post"),
    made.answer("2", "post", "bill", "post"),
    made.answer("3", "post", "post", "bill"),
    made.answer("4", "bill", "post", "bill"),
    made.answer("5", "bill", "post", "post"),
    made.answer("6", "lost", "bill", "bill"),
]
KINDS = {
    "relation": made.relations,
    "episodes": made.episodes,
    "several": made.topics,
    "spans": made.entities,
    "reading": lambda: made.written("reading"),
    "answer": lambda: made.written("answer"),
}


@pytest.fixture(scope="module")
def relations() -> Report:
    return made.relations()


@pytest.fixture(scope="module")
def episodes() -> Report:
    return made.episodes()


def test_each_label_has_its_cases_and_what_each_prompt_made_of_them():
    rows = by_label(MAIL, ANSWERS, ())
    assert [
        (r.label, r.n, r.seed_right, r.best_right, r.seed_given, r.best_given) for r in rows
    ] == [("post", 3, 2, 2, 4, 3), ("bill", 2, 0, 1, 2, 3), ("lost", 1, 0, 0, 0, 0)]
    found = wilson(2, 3)
    assert rows[0].best_interval == (found.low, found.high)
    assert rows[0].best_f1.value == pytest.approx(2 * 2 / (3 + 3))
    assert rows[0].seed_f1.value == pytest.approx(2 * 2 / (3 + 4))


def test_a_label_that_is_given_and_never_right_is_listed_without_a_share():
    rows = by_label(MAIL, [*ANSWERS, made.answer("7", "post", "post", "junk")], ())
    assert (rows[-1].label, rows[-1].n, rows[-1].best_interval) == ("junk", 0, None)


def test_macro_f1_is_the_mean_over_labels_that_occur():
    best = macro_f1(MAIL, [*ANSWERS, made.answer("7", "lost", "post", "junk")], "best", ())
    assert best.value == pytest.approx((2 * 2 / 6 + 2 * 1 / 5 + 0) / 3)
    assert best.n == 7 and best.low <= best.value <= best.high
    assert macro_f1(MAIL, ANSWERS, "seed", ()).value == pytest.approx((2 * 2 / 7 + 0 + 0) / 3)


def test_cases_of_one_cluster_make_an_interval_wider():
    many = [made.answer(str(i), *a) for a in (("x", "x", "x"), ("y", "y", "x")) for i in range(20)]
    apart = macro_f1(MAIL, many, "best", ())
    together = macro_f1(MAIL, many, "best", [str(i // 10) for i in range(40)])
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_confusions_are_the_best_prompt_s_most_frequent_first():
    found = confusions([*ANSWERS, made.answer("7", "lost", "lost", "bill")])
    assert found[0] == Confused("lost", "bill", 2)
    assert {(c.label, c.predicted) for c in found[1:]} == {("post", "bill"), ("bill", "post")}


def test_a_matrix_counts_every_case_in_the_order_of_the_task_s_labels():
    found = matrix(MAIL, [*ANSWERS, made.answer("7", "bill", "bill", MULTIPLE)])
    assert found is not None
    assert found.labels == ("post", "bill", "lost") and found.predicted[3:] == (MULTIPLE,)
    assert found.counts == ((2, 1, 0, 0), (1, 1, 0, 1), (0, 1, 0, 0))


def test_there_is_no_matrix_of_many_labels():
    assert matrix(MAIL, [made.answer(str(i), f"label {i}", "x", "x") for i in range(25)]) is None


def test_errors_that_are_of_direction_alone_are_counted():
    of = made.task("relation", made.RELATIONS, none=made.NONE)
    one, other = made.RELATIONS[1:3]
    answers = [
        made.answer("1", one, other, one),
        made.answer("2", one, "employs", other),
        made.answer("3", other, other, made.NONE),
        made.answer("4", "employs", other, one),
    ]
    found = made.report(made.verdict(answers), of, cases(answers)).direction
    assert found is not None
    assert found.seed == Direction(n=3, errors=2, of_direction=1)
    assert found.best == Direction(n=3, errors=2, of_direction=1)


def test_labels_without_an_opposite_have_no_direction():
    assert made.report(made.verdict(ANSWERS), MAIL, cases(ANSWERS)).direction is None


def test_several_yes_are_counted(episodes: Report):
    assert episodes.multiple is not None
    assert episodes.multiple.seed == sum(a.seed == MULTIPLE for a in episodes.answers) > 0
    assert episodes.multiple.best == 0
    assert f"in {episodes.multiple.seed} of 300 cases" in words.multiple(episodes)


def test_micro_figures_leave_none_of_the_above_out():
    answers = [
        made.answer("1", "employs", "employs", "employs"),
        made.answer("2", made.NONE, made.NONE, "employs"),
        made.answer("3", "member of", made.NONE, "member of"),
        made.answer("4", made.NONE, made.NONE, made.NONE),
    ]
    of = made.task("relation", made.RELATIONS, none=made.NONE)
    found = made.report(made.verdict(answers), of, cases(answers)).micro
    assert found is not None
    assert (found.seed.precision.value, found.seed.precision.n) == (1.0, 1)
    assert (found.seed.recall.value, found.seed.recall.n) == (0.5, 2)
    assert found.best.precision.value == pytest.approx(2 / 3)
    assert (found.best.recall.value, found.best.f1.n) == (1.0, 4)


def test_a_share_that_nothing_speaks_against_is_not_certain():
    answers = [made.answer(str(i), "employs", "employs", "employs") for i in range(4)]
    found = made.report(made.verdict(answers), MAIL, cases(answers)).micro
    assert found is not None
    for figure in (found.best.precision, found.best.recall, found.best.f1):
        assert figure.value == figure.high == 1.0 and figure.low < 0.6


def test_a_share_is_as_sure_as_what_it_is_a_share_of():
    missed = rated([(1, 0, 0)] * 10 + [(0, 0, 1)] * 490)
    assert missed.precision.value == 1.0 and missed.precision.low == pytest.approx(0.7225, abs=1e-3)
    wrong = rated([(0, 1, 0)] * 3 + [(0, 0, 0)] * 997)
    assert wrong.precision.value == 0.0 and wrong.precision.high == pytest.approx(0.5615, abs=1e-3)


def test_nothing_claimed_is_no_precision():
    found = rated([(0, 0, 2), (0, 0, 1)])
    assert (found.precision.n, found.recall.n, found.f1.value) == (0, 3, 0)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_what_was_won_and_lost_is_what_the_verdict_counts(make):
    found = make()
    assert (len(found.won), len(found.lost)) == (found.wins, found.losses)
    assert all(flip.best_credit > flip.seed_credit for flip in found.won)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_figure_that_the_verdict_is_by_has_the_verdict_s_interval(make):
    found = make()
    shown = {
        "accuracy": found.accuracy,
        "micro_f1": found.micro and found.micro.best.f1,
        "span_f1": found.micro and found.micro.best.f1,
        "token_f1": found.token_f1 and found.token_f1.best,
    }[found.metric]
    shown = shown.best if found.metric == "accuracy" else shown
    assert (shown.value, shown.low, shown.high, shown.n) == (
        found.best.value,
        *found.best.interval,
        found.n,
    )


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_the_document_holds_the_verdict_and_survives_json(make):
    found = make()
    document = json.loads(msgspec.json.encode(found))
    assert document["run"] == "ab12cd34" and document["look"] == 2
    assert document["best"]["value"] == pytest.approx(found.best.value)
    assert msgspec.convert(document, Report) == found


def test_labels_of_a_text_that_has_several_are_counted_one_by_one():
    found = made.topics()
    assert {row.label: (row.n, row.seed_right, row.seed_given) for row in found.labels} == {
        "sport": (2, 2, 2),
        "law": (1, 1, 2),
        "money": (1, 0, 1),
    }
    assert found.matrix is None and found.accuracy.best.value == 0.75


def test_entities_are_counted_by_their_type():
    found = made.entities()
    person, place = found.types
    assert (person.type, person.n, place.type, place.n) == ("person", 2, "place", 2)
    assert person.rates.seed.recall.value == 0.5 and person.rates.best.f1.value == 1.0
    assert place.rates.best.precision.value == 0.5 and place.rates.seed.precision.n == 0
    assert found.won[0].gold == "Ada Park (person), Norvik (place)"


def test_a_reading_task_has_exact_match_and_token_f1():
    found = made.written("reading")
    exact = sum(a.best == a.gold for a in found.answers) / 12
    assert found.accuracy.best.value == pytest.approx(exact)
    credit = sum(a.best_credit for a in found.answers) / 12
    assert found.token_f1.best.value == pytest.approx(credit) and credit > exact


def test_answers_in_which_nothing_could_be_found_have_a_share():
    found = made.written("answer")
    assert found.unread.seed.value == 0.5 and found.unread.best.value == 0
    assert found.unread.best.high > 0.2


def test_sampled_files_have_a_mean_and_a_spread(episodes: Report):
    found = episodes.parts
    assert found is not None and [part.n for part in found.files] == [60] * 5
    each = [part.prf.best.f1 for part in found.files]
    mean = sum(each) / 5
    std = (sum((f1 - mean) ** 2 for f1 in each) / 5) ** 0.5
    assert found.spread.best.f1.mean == pytest.approx(mean)
    assert found.spread.best.f1.std == pytest.approx(std)
    assert found.spread.best.f1.stable == pytest.approx(mean - 2 * std)
    tallies = [a.best_tally for a in episodes.answers if a.part == "file 2"]
    hits, wrong, missed = (sum(column) for column in zip(*tallies, strict=True))
    assert found.files[1].prf.best.precision == pytest.approx(hits / (hits + wrong))
    assert found.files[1].prf.best.recall == pytest.approx(hits / (hits + missed))


def test_cases_of_one_piece_have_no_parts(relations: Report):
    assert relations.parts is None


def test_withheld_answers_are_those_below_the_threshold(relations: Report):
    found = relations.reliability
    assert found is not None and found.n == relations.n
    given = [a for a in relations.answers if a.confidence >= made.BEST.abstain]
    assert found.withheld.coverage == wilson(len(given), relations.n)
    assert found.withheld.error == wilson(sum(a.best != a.gold for a in given), len(given))
    assert sum(b.n for b in found.bins) == relations.n


def test_the_calibration_error_is_the_mean_distance_over_the_bins(relations: Report):
    found = relations.reliability
    assert found is not None
    distance = sum(b.n * abs(b.confidence - b.accuracy) for b in found.bins) / found.n
    assert found.ece.value == pytest.approx(distance)


def probable(confidences, correct) -> CalibrationError:
    answers = [
        made.answer(str(i), "post", "post", "post" if right else "bill", confidence=float(chance))
        for i, (chance, right) in enumerate(zip(confidences, correct, strict=True))
    ]
    found = reliability(answers, made.BEST)
    assert found is not None
    return found.ece


def test_probabilities_that_are_right_show_the_calibration_error_that_is_expected_of_them():
    random = np.random.default_rng(5)
    confidences = random.beta(4, 2, 120)
    found = [probable(confidences, random.random(120) < confidences) for _ in range(200)]
    assert len({(error.expected, error.upper) for error in found}) == 1
    assert np.mean([e.value for e in found]) == pytest.approx(found[0].expected, rel=0.05)
    assert 0.9 <= np.mean([e.value <= e.upper for e in found]) <= 0.99


def test_probabilities_that_are_too_high_show_more_than_chance_would():
    random = np.random.default_rng(6)
    confidences = random.beta(4, 2, 400)
    found = probable(confidences, random.random(400) < confidences**2)
    assert found.value > found.upper > found.expected


def test_the_calibration_error_is_told_with_what_chance_alone_would_show(relations: Report):
    error = relations.reliability.ece
    shown = words.reliability(relations)
    assert f"Expected calibration error {error.value:.3f}, n 240 answers" in shown
    assert f"would show {error.expected:.3f}, and at most {error.upper:.3f} in 19 of 20" in shown


def test_certain_answers_have_no_calibration_error_by_chance():
    assert probable([1.0] * 9, [True] * 9) == CalibrationError(0.0, 0.0, 0.0)


def test_where_every_answer_is_withheld_there_is_no_error():
    answers = [made.answer("1", "post", "post", "post", confidence=0.2)]
    found = made.report(made.verdict(answers), MAIL, cases(answers)).reliability
    assert found is not None and found.withheld.coverage.value == 0
    assert found.withheld.error is None


def test_written_answers_have_no_reliability():
    assert made.written("answer").reliability is None


def test_a_verdict_without_answers_is_reported_alone():
    judged = msgspec.structs.replace(made.verdict(ANSWERS), answers=())
    found = made.report(judged, MAIL, [])
    assert found.gain == judged.gain and found.accuracy is None and found.labels == ()


def test_a_long_text_is_cut_around_what_is_asked_for():
    text = "x " * 300 + "Ada Park met Halden" + " y" * 300
    shown = excerpt(Example(text, (600, 608), (613, 619), "met"))
    assert "Ada Park met Halden" in shown and len(shown) == LONGEST + 2
    assert excerpt(Example("short")) == "short"
    assert excerpt(Example(text, answers=("Halden",))).startswith("…")
    assert excerpt(Example(text)) == text[:LONGEST] + "…"


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"better": True, "words": "better"}, "The best prompt is better: accuracy 0.5"),
        ({"words": "worse", "scope": "for these relations"}, "The best prompt is worse for these"),
        ({"words": "no proven gain"}, "No gain is proven: accuracy 0.5"),
        ({"refused": "6 rows are too few"}, "Nothing is claimed, since 6 rows are too few ("),
        ({"best": made.verdict(ANSWERS).seed}, "Nothing better was found, so the seed prompt st"),
    ],
)
def test_a_verdict_is_one_sentence(changes, begins):
    judged = made.verdict(ANSWERS, **{"refused": "", **changes})
    shown = words.headline(made.report(judged, MAIL, cases(ANSWERS)))
    assert shown.startswith(begins) and shown.endswith(".") and "6 cases of the test split" in shown


def test_the_threshold_of_this_look_is_told(relations: Report):
    facts = dict(words.facts(relations, relations.look, relations.ranked))
    assert "exact McNemar test, p = 0.027" in facts["Test"]
    assert "number 2, p counts below 0.025" in facts["Test"]
    assert facts["Engine noise"].startswith("of 64 cases scored twice")
    assert facts["Engine noise"].endswith("0 got another answer; scores differed by up to 0 nats")
    assert "0.981 (Spearman, n 136 label scores)" in facts["The body that searched"]


def test_a_power_of_nothing_is_told_too(relations: Report):
    powerless = msgspec.structs.replace(relations, power=0.0)
    assert "would be proven 0% of the time" in dict(words.facts(powerless, 2, None))["Power"]


def test_a_terminal_shows_the_facts_of_the_page(relations: Report):
    shown = figures.judged(relations, relations.look, relations.ranked)
    for name, text in words.facts(relations, relations.look, relations.ranked):
        assert f"\n  {name[0].lower()}{name[1:]}: {text}" in shown


def test_the_leak_check_says_over_how_many_rows_it_looked(relations: Report):
    assert "repeat something of 1 of 412 rows that may not ship" in words.leaks(relations)
    clean = msgspec.structs.replace(relations, leaks=())
    assert words.leaks(clean).endswith("repeat nothing of 412 rows that may not ship.")


def cases(answers: list[Answer]) -> list[Case]:
    """A case for each answer, under the answer's own name."""
    return [Named(Example(a.case), made.RELATIONS) for a in answers]


class Named(Case, frozen=True):
    """A case whose id is its text."""

    @property
    def id(self) -> str:
        return self.query.text
