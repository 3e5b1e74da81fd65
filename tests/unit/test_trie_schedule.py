"""The trie and the order in which it is decoded: pure logic, no model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Segment
from models.llama.schedule import Branch, Extend, Retract, schedule
from models.trie import BadRequest, Trie, build

tokens = st.lists(st.integers(0, 3), min_size=1, max_size=7).map(tuple)


@st.composite
def requests(draw):
    segments = [Segment(-1, draw(tokens))]
    for number in range(1, draw(st.integers(1, 14))):
        own = draw(tokens)
        read = draw(st.integers(0, len(own)))
        segments.append(Segment(draw(st.integers(0, number - 1)), own, read))
    return segments


def sequence_of(segments, number):
    own = segments[number].tokens
    parent = segments[number].parent
    return own if parent < 0 else sequence_of(segments, parent) + own


@given(requests())
def test_the_trie_holds_every_distinct_prefix_once(segments):
    prefixes = set()
    for number in range(len(segments)):
        sequence = sequence_of(segments, number)
        prefixes |= {sequence[:end] for end in range(1, len(sequence) + 1)}
    assert len(build(segments)) == len(prefixes)


@given(requests())
def test_a_path_spells_its_sequence(segments):
    trie = build(segments)
    for number, path in enumerate(trie.paths):
        node, spelled = path[-1], []
        while node >= 0:
            spelled.append(trie.tokens[node])
            node = trie.parents[node]
        assert tuple(reversed(spelled)) == sequence_of(segments, number)


@given(requests())
def test_what_is_read_and_what_comes_before_it_is_needed_and_nothing_else(segments):
    trie = build(segments)
    expected = set()
    for node in trie.wanted:
        while node >= 0:
            expected.add(node)
            node = trie.parents[node]
    assert {node for node, needed in enumerate(trie.needed(trie.wanted)) if needed} == expected


@given(requests(), st.integers(1, 9), st.integers(1, 5))
def test_every_needed_node_is_decoded_once_after_its_parent_in_batches_that_fit(
    segments, batch, width
):
    trie = build(segments)
    needed = trie.needed(trie.wanted)
    decoded, trunk = [], []
    for step in schedule(trie, needed, batch, width):
        if isinstance(step, Retract):
            del trunk[step.depth :]
            continue
        if isinstance(step, Extend):
            for node in step.nodes:
                assert trie.parents[node] == (trunk[-1] if trunk else -1)
                trunk.append(node)
        else:
            assert len(step.nodes) <= batch and step.width <= width
            follows_its_own_branch(trie, step, trunk)
        decoded += step.nodes
    assert sorted(decoded) == [node for node in range(len(trie)) if needed[node]]


def follows_its_own_branch(trie: Trie, step: Branch, trunk: list[int]) -> None:
    """Each leaf's sequence is the trunk and then one unbroken path."""
    ends = dict.fromkeys(range(step.width), trunk[-1] if trunk else -1)
    for node, leaves in zip(step.nodes, step.leaves, strict=True):
        assert leaves, "a node belongs to a leaf"
        for leaf in leaves:
            assert trie.parents[node] == ends[leaf]
            ends[leaf] = node


@pytest.mark.parametrize(
    ("segments", "complaint"),
    [
        ([Segment(0, (1,))], "no earlier segment"),
        ([Segment(-1, (1, 2), 3)], "reads 3 of 2"),
        ([Segment(-1, (1, 2), 2)], "reads a first token"),
    ],
)
def test_a_request_that_means_nothing_is_refused_with_its_segment(segments, complaint):
    with pytest.raises(BadRequest, match=f"segment 0.*{complaint}"):
        build(segments)
