"""Sampled episodes: N labels, K rows each, queries that their support does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data.protocols.episodes import Design, none_share, sample_episodes
from appliance.errors import InputError
from appliance.task import Case, Example
from appliance.text import near_duplicate_key

NONE = "none of these"


def pool(label: str, count: int) -> list[Example]:
    """No digits, in which sentences may not differ alone."""
    return [Example(f"{label[0]} {'x' * (n + 1)} .", (0, 1), (2, 3), label) for n in range(count)]


POOLS = {label: pool(label, 12) for label in "abcdefg"}


@st.composite
def designs(draw: st.DrawFn) -> tuple[dict[str, list[Example]], Design]:
    """Pools that suffice, and what is drawn from them."""
    ways, shots, queries = (draw(st.integers(1, top)) for top in (4, 3, 3))
    outside = draw(st.booleans())
    labels = ways + outside + draw(st.integers(0, 2))
    sizes = draw(st.lists(st.integers(shots + queries, 12), min_size=labels, max_size=labels))
    pools = {"abcdefgh"[n]: pool("abcdefgh"[n], size) for n, size in enumerate(sizes)}
    if not outside:
        return pools, Design(ways, shots, queries)
    if draw(st.booleans()):
        pools[NONE] = pool(NONE, draw(st.integers(queries, 20)))
    share = draw(st.none() | st.floats(0, 1))
    return pools, Design(ways, shots, queries, NONE, share, by_size=draw(st.booleans()))


@settings(deadline=None, max_examples=150)
@given(designs(), st.integers(0, 12), st.integers())
def test_episodes_have_their_ways_and_shots_and_no_sentence_twice(
    drawn: tuple[dict[str, list[Example]], Design], count: int, seed: int
) -> None:
    pools, design = drawn
    cases = sample_episodes(pools, design, count, Random(seed))
    assert len(cases) == count * design.queries
    for episode in (cases[i : i + design.queries] for i in range(0, len(cases), design.queries)):
        assert len({(case.labels, case.support) for case in episode}) == 1
        first = episode[0]
        ways = first.labels[: design.ways]
        assert NONE not in ways
        assert len(set(ways)) == design.ways
        assert first.labels[design.ways :] == (() if design.none is None else (NONE,))
        assert Counter(row.label for row in first.support) == dict.fromkeys(ways, design.shots)
        rows = [*first.support, *(case.query for case in episode)]
        assert len({near_duplicate_key(row.text) for row in rows}) == len(rows)


@settings(deadline=None, max_examples=150)
@given(designs(), st.integers(0, 12), st.integers())
def test_the_share_of_none_of_the_above_is_exact_but_for_rounding(
    drawn: tuple[dict[str, list[Example]], Design], count: int, seed: int
) -> None:
    pools, design = drawn
    cases = sample_episodes(pools, design, count, Random(seed))
    outside = sum(case.query.label not in case.labels[: design.ways] for case in cases)
    if design.none_share is not None:
        assert outside == round(len(cases) * design.none_share)
    assert outside == sum(case.labels[case.gold] == NONE for case in cases)


@settings(deadline=None, max_examples=50)
@given(designs(), st.integers(), st.randoms())
def test_episodes_depend_on_the_generator_and_not_on_the_order_of_rows(
    drawn: tuple[dict[str, list[Example]], Design], seed: int, shuffler: Random
) -> None:
    pools, design = drawn
    labels = shuffler.sample(list(pools), len(pools))
    shuffled = {label: shuffler.sample(pools[label], len(pools[label])) for label in labels}
    assert sample_episodes(pools, design, 5, Random(seed)) == sample_episodes(
        shuffled, design, 5, Random(seed)
    )


def test_other_generators_draw_other_episodes() -> None:
    one, other = (sample_episodes(POOLS, Design(3), 9, Random(seed)) for seed in (7, 8))
    assert one != other


@pytest.mark.parametrize(("na_rate", "none"), [(0, 0), (1, 250), (2, 429), (5, 750)])
def test_fewrels_na_rate_gives_one_sixth_two_sevenths_and_a_half_of_5_way_queries(
    na_rate: int, none: int
) -> None:
    design = Design(none=NONE, none_share=none_share(na_rate, 5))
    cases = sample_episodes(POOLS, design, 1500, Random(0))
    assert sum(case.labels[case.gold] == NONE for case in cases) == none


def test_gold_ways_and_the_order_of_support_and_none_of_the_above_are_random() -> None:
    design = Design(none=NONE, none_share=0.5)
    cases = sample_episodes(POOLS, design, 1000, Random(0))
    gold = Counter(case.gold for case in cases)
    assert min(gold[way] for way in range(5)) > 60
    first = Counter(case.labels.index(case.support[0].label) for case in cases)
    assert min(first[way] for way in range(5)) > 120
    firsts = sum(case.gold == 5 for case in cases[:500])
    assert 200 < firsts < 300


def queried(pools: Mapping[str, Sequence[Example]], design: Design) -> Counter[str]:
    return Counter(case.query.label for case in sample_episodes(pools, design, 2000, Random(0)))


def test_labels_of_queries_are_drawn_evenly_or_by_the_number_of_their_rows() -> None:
    pools = {"a": pool("a", 10), "b": pool("b", 30)}
    assert 900 < queried(pools, Design(2))["b"] < 1100
    assert 1400 < queried(pools, Design(2, by_size=True))["b"] < 1600


def test_left_to_chance_none_of_the_above_is_as_frequent_as_other_labels_rows() -> None:
    pools = {"a": pool("a", 10), "b": pool("b", 10), NONE: pool(NONE, 80)}
    found = queried(pools, Design(1, 1, 1, NONE, None, by_size=True))
    assert 1500 < found[NONE] < 1700
    assert min(found["a"], found["b"]) > 120


def test_cases_know_the_file_that_they_were_drawn_for() -> None:
    cases = sample_episodes(POOLS, Design(), 3, Random(0), "2")
    assert [case.part for case in cases] == ["2"] * 3


def test_a_sentence_that_differs_in_case_or_digits_alone_is_not_in_support_and_query() -> None:
    rows = [Example(f"{name} x y {{}}", (0, 1), (2, 3), "") for name in "abcdefghi"]
    twins = {
        "a": [Example(x.text.format(1), (0, 1), (2, 3), "a") for x in rows],
        "b": [Example(x.text.format(2).upper(), (0, 1), (2, 3), "b") for x in rows],
    }
    for case in sample_episodes(twins, Design(2, 2), 100, Random(1)):
        shown = {near_duplicate_key(row.text) for row in case.support}
        assert near_duplicate_key(case.query.text) not in shown


def refusal(design: Design) -> str:
    with pytest.raises(InputError) as caught:
        sample_episodes(POOLS, design, 1, Random(0))
    return str(caught.value)


def test_too_few_labels_or_sentences_are_refused() -> None:
    assert refusal(Design(8)) == (
        "8-way 1-shot episodes need 8 labels with more than 1 different sentences, 7 given; "
        "ask for fewer ways or shots"
    )
    assert "2 labels with more than 12 different sentences, 0 given" in refusal(Design(2, 12))
    assert refusal(Design(7, none=NONE, none_share=0.5)) == (
        "7-way 1-shot episodes with none of the above need rows of another label than the 7 given; "
        "ask for fewer ways"
    )
    assert "has too few sentences that its episode has not shown" in refusal(Design(2, 6, 13))


def test_a_label_without_a_sentence_beside_its_shots_is_asked_for_but_is_no_way() -> None:
    pools = {"a": pool("a", 9), "b": pool("b", 9), "c": pool("c", 2)}
    cases = sample_episodes(pools, Design(2, 2, 1, NONE, 0.5), 100, Random(0))
    assert {label for case in cases for label in case.labels} == {"a", "b", NONE}
    assert {case.query.label for case in cases if case.gold == 2} == {"c"}


def test_a_label_with_few_sentences_keeps_them_where_others_share_them() -> None:
    few = pool("a", 3)
    many = [Example(row.text, row.head, row.tail, "b") for row in few] + pool("b", 9)
    cases = sample_episodes({"a": few, "b": many}, Design(2, 2), 200, Random(0))
    assert len(cases) == 200


def test_the_right_answer_to_a_query_of_another_label_is_none_of_the_above() -> None:
    cases: list[Case] = sample_episodes(POOLS, Design(none=NONE, none_share=1.0), 50, Random(0))
    assert {case.labels[case.gold] for case in cases} == {NONE}
    assert {case.query.label for case in cases} <= set(POOLS)
