"""Splits are stratified, leak nothing, and depend on content and seed alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.data.choices import Sizes
from appliance.data.split import stratify
from appliance.data.split.index import Index
from appliance.data.split.splits import split_episodes, split_hash
from appliance.data.split.ties import ties
from appliance.task import (
    SPLITS,
    Case,
    Example,
    Split,
)
from appliance.text import near_duplicate_key

USUAL = Sizes()
WORDS = [a + b + c for a in "bdfgklmn" for b in "aeiou" for c in "rstz"]


def example(n: int, label: str = "a", group: str = "", text: str = "") -> Example:
    head, tail = WORDS[n % len(WORDS)].title(), WORDS[-1 - n // len(WORDS)].title()
    text = text or f"{head} and {tail} are {label}."
    start = text.index(tail)
    return Example(text, (0, len(head)), (start, start + len(tail)), label, group=group)


def rows(count: int, label: str = "a") -> list[Example]:
    return [example(n, label) for n in range(count)]


def split(
    given_rows: Sequence[Example], seed: int, sizes: Sizes = USUAL
) -> dict[Split, list[Example]]:
    index = Index()
    for row in given_rows:
        index.add(row)
    parts = stratify.split(index, np.arange(len(index)), seed, sizes)
    return {name: [given_rows[i] for i in part] for name, part in parts.items()}


def counts(parts: dict[Split, list[Example]]) -> list[int]:
    return [len(parts[name]) for name in SPLITS]


def test_each_label_is_shared_out_in_proportion() -> None:
    pairs_shared_by_both_labels = [*rows(100, "a"), *rows(50, "b")]
    parts = split(pairs_shared_by_both_labels, seed=0)
    for label, total in (("a", 100), ("b", 50)):
        found = [sum(row.label == label for row in parts[s]) for s in SPLITS]
        for count, share in zip(found, (0.4, 0.2, 0.4), strict=True):
            assert abs(count - share * total) <= 1


def test_six_rows_of_a_label_reach_every_split() -> None:
    for seed in range(20):
        assert sorted(len(part) for part in split(rows(6), seed).values()) == [1, 2, 3]


def test_a_large_group_goes_where_there_is_room_for_it() -> None:
    grouped = [example(n, group="report") for n in range(35)]
    for seed in range(5):
        parts = split([*grouped, *(example(n) for n in range(35, 100))], seed)
        assert counts(parts) == [40, 20, 40]


@pytest.mark.parametrize(
    ("shares", "found"), [((0.5, 0.25, 0.25), [50, 25, 25]), ((0.1, 0.1, 0.8), [10, 10, 80])]
)
def test_rows_are_shared_out_as_is_asked(
    shares: tuple[float, float, float], found: list[int]
) -> None:
    assert counts(split(rows(100), 0, Sizes(shares, None))) == found


def test_of_a_large_side_so_many_rows_are_kept_as_are_asked_for() -> None:
    sizes = Sizes(most=(12, 6, 30))
    kept, every = split(rows(100), 0, sizes), split(rows(100), 0)
    assert counts(kept) == [12, 6, 30]
    assert all(set(kept[name]) <= set(every[name]) for name in SPLITS)


def test_a_side_that_is_thinned_keeps_its_labels_in_proportion_and_one_row_of_each() -> None:
    given_rows = [*rows(600, "common"), *rows(300, "frequent"), *rows(6, "rare")]
    for seed in range(5):
        parts = split(given_rows, seed, Sizes(most=(40, 20, 40)))
        for name, most in zip(SPLITS, (40, 20, 40), strict=True):
            found = Counter(row.label for row in parts[name])
            assert found.total() == most and found["rare"] == 1
            assert abs(found["common"] - (most - 1) * 2 / 3) <= 1


def test_what_is_kept_of_a_side_depends_on_the_seed_and_not_on_the_order() -> None:
    given_rows, sizes = rows(100), Sizes(most=(5, 5, 5))
    shuffled = random.Random(5).sample(given_rows, len(given_rows))
    assert split(given_rows, 3, sizes) == split(shuffled, 3, sizes)
    assert split(given_rows, 3, sizes) != split(given_rows, 4, sizes)


def test_each_of_several_labels_is_shared_out_in_proportion() -> None:
    given_rows = [
        Example(f"{word} is here", labels=tuple(x for i, x in enumerate("abc") if n >> i & 1))
        for n, word in enumerate(WORDS)
    ]
    parts = split(given_rows, 0)
    for label in "abc":
        total = sum(label in row.labels for row in given_rows)
        found = [sum(label in row.labels for row in parts[name]) for name in SPLITS]
        for count, share in zip(found, (0.4, 0.2, 0.4), strict=True):
            assert abs(count - share * total) <= 3


def test_rows_of_which_no_two_have_the_same_answer_reach_every_split() -> None:
    given_rows = [
        Example(f"what is {word}", answers=(word,), choices=(word, "no")) for word in WORDS[:100]
    ]
    assert counts(split(given_rows, 0)) == [40, 20, 40]


def test_rows_without_any_label_reach_every_split() -> None:
    assert counts(split([Example(word, answers=(word,)) for word in WORDS[:50]], 0)) == [20, 10, 20]


def test_the_order_of_the_rows_changes_nothing_and_the_seed_does() -> None:
    given_rows = [*rows(40, "a"), *rows(30, "b")]
    shuffled = random.Random(5).sample(given_rows, len(given_rows))
    assert split(given_rows, 3) == split(shuffled, 3)
    assert split(given_rows, 3) != split(given_rows, 4)


def test_the_pair_counts_in_either_direction() -> None:
    one = Example("Ann hired Bob.", (0, 3), (10, 13), "a")
    other = Example("bob hired ANN.", (0, 3), (10, 13), "b")
    assert ties(one)["entities"] == ties(other)["entities"]
    for seed in range(10):
        parts = split([one, other, *rows(20)], seed)
        assert any(one in part and other in part for part in parts.values())


def test_near_duplicates_differ_in_case_space_and_digits() -> None:
    assert near_duplicate_key("In 1987  Ann") == near_duplicate_key("in 20 ann")
    assert near_duplicate_key("In 1987 Ann") != near_duplicate_key("In 1987 Bob")


def told(given_rows: Sequence[Example]) -> list[bool]:
    index = Index()
    for row in given_rows:
        index.add(row)
    found: list[bool] = index.told_by_digits(np.arange(len(index))).tolist()
    return found


def texts(words: Sequence[str], label: str = "a") -> list[Example]:
    return [Example(text, label=label) for text in words]


def test_digits_count_where_many_texts_of_a_label_differ_in_nothing_else() -> None:
    sums = texts([f"what is {n} plus {n + 1}?" for n in range(60)])
    codes = texts([f"{letter}{n}" for letter in "ef" for n in range(6)], "code")
    others = texts([f"{word} in 19{n:02}" for n, word in enumerate(WORDS[:40])], "b")
    assert told([*sums, *others, *codes]) == [True] * 60 + [False] * 40 + [True] * 12
    parts = split([*sums, *others], 0)
    assert counts(parts) == [40, 20, 40]


def test_digits_do_not_count_in_few_texts_or_in_copies() -> None:
    others = texts(WORDS[:12])
    assert not any(told([*others, *texts([f"in {n} Ann went" for n in range(5)])]))
    assert not any(told([*others, *texts(["in 1987 Ann went"] * 30)]))
    many = texts([f"in {n} Ann went" for n in range(30)])
    assert not any(told([*many, *texts(WORDS), *texts([f"{word} b" for word in WORDS])]))


def test_texts_whose_digits_count_are_still_tied_to_those_of_other_case_and_space() -> None:
    sums = texts([f"what is {n} plus {n}?" for n in range(60)])
    again = texts([f"What  IS {n} plus {n}?" for n in range(60)], "b")
    sides = [
        {row.text.lower().replace("  ", " ") for row in part}
        for part in split([*sums, *again], 1).values()
    ]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 60


def test_entities_that_differ_in_digits_are_two() -> None:
    one, other = (Example(f"PN-{n} is in.", (0, 4), (8, 10), "a") for n in (1, 2))
    assert ties(one)["entities"] != ties(other)["entities"]
    assert ties(one)["text"] == ties(other)["text"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.sampled_from("abc"), st.sampled_from(["", "", "x", "y", "z"])
        ),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 9),
)
def test_no_group_pair_or_sentence_straddles_splits(
    drawn: list[tuple[int, str, str]], seed: int
) -> None:
    given_rows = [example(n, label, group) for n, label, group in drawn]
    parts = split(given_rows, seed)
    assert Counter(row for part in parts.values() for row in part) == Counter(given_rows)
    sides = [{tie for row in part for tie in ties(row).items()} for part in parts.values()]
    assert sum(map(len, sides)) == len(set().union(*sides))


def episode(*numbers: int) -> Case:
    """Asks for the first of the rows of these numbers and shows the others."""
    query, *support = [example(n) for n in numbers]
    return Case(query, ("a", "b"), tuple(support))


def sentences(cases: list[Case]) -> set[str]:
    return {near_duplicate_key(row.text) for case in cases for row in (case.query, *case.support)}


several = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=3), max_size=25)


@settings(max_examples=200, deadline=None)
@given(several, several, st.integers(0, 9))
def test_no_sentence_straddles_the_splits_of_episodes_and_none_is_dropped_without_need(
    drawn: list[list[int]], asked: list[list[int]], seed: int
) -> None:
    given_cases, test = ([episode(*numbers) for numbers in lists] for lists in (drawn, asked))
    tuning, selection = split_episodes(given_cases, test, seed)
    sides = [sentences(cases) for cases in (tuning, selection, test)]
    assert sum(map(len, sides)) == len(set().union(*sides))
    dropped = Counter(given_cases)
    dropped.subtract([*tuning, *selection])
    assert min(dropped.values(), default=0) >= 0
    for case in dropped.elements():
        assert sentences([case]) & (sides[1] | sides[2])
    assert 3 * len(selection) >= len(tuning)


def test_a_quarter_of_the_episodes_is_held_out_by_the_seed() -> None:
    apart = [episode(2 * n, 2 * n + 1) for n in range(20)]
    held = [split_episodes(apart, [], seed)[1] for seed in range(4)]
    assert [len(cases) for cases in held] == [5] * 4
    assert held[0] == split_episodes(apart, [], 0)[1]
    assert len({tuple(case.id for case in cases) for cases in held}) > 1


def test_episodes_that_share_sentences_with_few_others_are_held_out_first() -> None:
    hub = [episode(0, n) for n in range(1, 10)]
    apart = [episode(20), episode(21), episode(22)]
    assert split_episodes([*hub, *apart], [], 0) == (hub, apart)


def test_sentences_that_differ_in_digits_do_not_stand_in_two_splits_of_episodes() -> None:
    first, later = (
        Case(example(1, text=f"{example(1).text} In {year}."), ("a",)) for year in (1987, 2007)
    )
    assert split_episodes([first], [later], 0) == ([], [])


def hashed(tuning: Sequence[Case], test: Sequence[Case] = ()) -> str:
    return split_hash({"tuning": tuning, "selection": [], "test": test})


def test_the_split_hash_knows_the_cases_but_not_their_order() -> None:
    cases = [Case(row, ("a",)) for row in rows(5)]
    assert hashed(cases) == hashed(cases[::-1])
    assert hashed(cases) != hashed(cases[:4])
    assert hashed(cases) != hashed([Case(row, ("a", "b")) for row in rows(5)])


def test_the_split_hash_knows_which_split_a_case_is_in() -> None:
    cases = [Case(row, ("a",)) for row in rows(5)]
    assert len({hashed(cases[:n], cases[n:]) for n in range(6)}) == 6
