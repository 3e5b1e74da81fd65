"""Whatever a request's tree looks like, it scores as its sequences do one by one."""

from __future__ import annotations

import pytest
from families import FAMILIES, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.engine import Score, Segment
from models.trie import build

pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load

ROUNDING = 0.1
"""Nats; keys and values are kept in 16 bits, and random weights make much of their last bits: of
some thousand trees one was 0.036 off. What is computed wrongly is off by nats."""


@pytest.fixture(scope="module", params=["llama", "gemma3"])
def engine(request, tmp_path_factory) -> LlamaEngine:
    """A context in which a few hundred tokens already take several batches."""
    path = write(tmp_path_factory.mktemp("tree") / "model.gguf", FAMILIES[request.param])
    return load(str(path), beat=lambda done, total: None, n_ctx=768, batch=256, threads=1)


@st.composite
def trees(draw) -> tuple[Segment, ...]:
    """Long trunks and short twigs, branches of branches, hundreds of leaves, equal ones too."""
    segments: list[Segment] = []
    depths: list[int] = []
    for _ in range(draw(st.integers(1, 6))):
        parent = draw(st.integers(-1, len(segments) - 1))
        length = draw(st.sampled_from([1, 2, 5, 90, 200]))
        start = draw(st.integers(0, 3))
        if (depths[parent] if parent >= 0 else 0) + length > 500:
            continue
        tokens = tuple((start + 7 * at) % 250 for at in range(length))
        depth = length + (depths[parent] if parent >= 0 else 0)
        read = draw(st.integers(0, min(3, length - (parent < 0)))) if depth > 1 else 0
        segments.append(Segment(parent, tokens, read))
        depths.append(depth)
    if segments and depths[-1] < 500:
        leaves = draw(st.sampled_from([0, 3, 300]))
        last = len(segments) - 1
        segments += [Segment(last, (at % 250, 9), 1) for at in range(leaves)]
    return tuple(segments)


def alone(engine: LlamaEngine, segments: tuple[Segment, ...], number: int) -> tuple[float, ...]:
    tokens: tuple[int, ...] = ()
    read, at = segments[number].read, number
    while at >= 0:
        tokens = segments[at].tokens + tokens
        at = segments[at].parent
    engine.context.clear()
    return engine.handle(Score((Segment(-1, tokens, read),))).logprobs[0]


@given(trees())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_a_tree_scores_as_its_sequences_do_and_computes_each_token_once(engine, tree):
    engine.context.clear()
    reply = engine.handle(Score(tree))
    trie = build(tree)
    assert reply.decoded == reply.unique == sum(trie.needed(trie.wanted))
    readers = [number for number, segment in enumerate(tree) if segment.read]
    for number, found in list(zip(readers, reply.logprobs, strict=True))[:40]:
        assert found == pytest.approx(alone(engine, tree, number), abs=ROUNDING)
