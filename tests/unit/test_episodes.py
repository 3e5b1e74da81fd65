"""Sampled episodes: N labels, K rows each, queries that their support does not hold."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from appliance.data.episodes import sample_episodes
from appliance.errors import InputError
from appliance.task import Example


def pool(label: str, count: int) -> list[Example]:
    return [Example(f"{label} {n} x", (0, 1), (4, 5), label) for n in range(count)]


POOLS = {label: pool(label, 12) for label in "abcdefg"}


def test_an_episode_has_its_ways_shots_and_queries() -> None:
    cases = sample_episodes(POOLS, 5, 2, 3, 40, Random(0))
    assert len(cases) == 120
    for case in cases:
        assert len(set(case.labels)) == 5
        assert Counter(e.label for e in case.support) == dict.fromkeys(case.labels, 2)
        assert case.query.label in case.labels
    for first, second, third in zip(*[iter(cases)] * 3, strict=True):
        assert first.support == second.support == third.support
        texts = [case.query.text for case in (first, second, third)]
        assert len({*texts, *(e.text for e in first.support)}) == 3 + 10


def test_gold_ways_and_the_order_of_support_are_random() -> None:
    cases = sample_episodes(POOLS, 5, 1, 1, 500, Random(0))
    gold = Counter(case.gold for case in cases)
    assert min(gold[way] for way in range(5)) > 60
    first = Counter(case.labels.index(case.support[0].label) for case in cases)
    assert min(first[way] for way in range(5)) > 60


def test_the_same_sentence_under_two_labels_is_never_in_support_and_query() -> None:
    twins = {
        label: [Example(f"{n} x y", (0, 1), (2, 3), label) for n in range(9)] for label in "ab"
    }
    for case in sample_episodes(twins, 2, 2, 1, 100, Random(1)):
        assert case.query.text not in {e.text for e in case.support}


def test_episodes_depend_on_the_generator_and_not_on_the_order_of_rows() -> None:
    backwards = {label: POOLS[label][::-1] for label in reversed(POOLS)}
    assert sample_episodes(POOLS, 3, 1, 1, 9, Random(7)) == sample_episodes(
        backwards, 3, 1, 1, 9, Random(7)
    )
    assert sample_episodes(POOLS, 3, 1, 1, 9, Random(7)) != sample_episodes(
        POOLS, 3, 1, 1, 9, Random(8)
    )


def test_too_few_labels_or_sentences_are_refused() -> None:
    with pytest.raises(InputError, match="8-way episodes need 8 labels"):
        sample_episodes(POOLS, 8, 1, 1, 1, Random(0))
    with pytest.raises(InputError, match="too few sentences"):
        sample_episodes(POOLS, 2, 12, 1, 1, Random(0))
