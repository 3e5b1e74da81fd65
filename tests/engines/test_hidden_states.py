"""Hidden states: what llama.cpp and the twin read for the same tokens, alone and in a tree."""

from __future__ import annotations

import numpy as np
import pytest
from families import FAMILIES, write

from models.engine import Hidden, Score, Segment, States
from models.states import packed, unpacked
from models.trie import BadRequest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("llama_cpp")

from models.llama.engine import load as load_llama  # noqa: E402
from models.twin.engine import load as load_twin  # noqa: E402
from models.twin.load import make_twin  # noqa: E402

BEAT = lambda done, total: None  # noqa: E731
ALIKE = 0.999
"""The least cosine of two computations of one state."""

STEM = tuple(10 + i % 37 for i in range(40))
ROWS = ((50, 51, 20), (52, 20), (50, 51), (53,), (50, 51, 20, 21, 22))


@pytest.fixture(scope="module", params=FAMILIES)
def engines(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    path = write(folder / "model.gguf", FAMILIES[request.param])
    make_twin(path, folder / "twin")
    return (
        load_llama(str(path), beat=BEAT, n_ctx=768, batch=256, threads=1),
        load_twin(str(folder / "twin"), beat=BEAT, dtype="float32", threads=1),
    )


def tree(rows=ROWS, stem=STEM) -> Hidden:
    """A stem and rows after it, of which one begins as another does."""
    segments = (Segment(-1, stem), *(Segment(0, row) for row in rows))
    return Hidden(segments, tuple(range(1, len(segments))))


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def test_both_engines_read_the_same_states(engines):
    llama, twin = (engine.handle(tree()) for engine in engines)
    assert (llama.width, llama.unique) == (twin.width, twin.unique)
    assert cosines(unpacked(llama), unpacked(twin)).min() > ALIKE


def test_a_state_is_what_the_output_layer_reads(engines):
    llama, twin = engines
    head = twin.model.get_output_embeddings().weight.detach().numpy()
    logits = unpacked(llama.handle(tree())) @ head.T
    labels = [Segment(at, (30,), 1) for at in range(1, len(ROWS) + 1)]
    scores = llama.handle(Score((*tree().segments, *labels))).logprobs
    shifted = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert shifted[:, 30] == pytest.approx([found for [found] in scores], abs=0.05)


def test_a_tree_reads_what_each_row_reads_alone_and_in_another_order(engines):
    for engine in engines:
        together = unpacked(engine.handle(tree()))
        alone = [unpacked(engine.handle(tree([row])))[0] for row in ROWS]
        assert cosines(together, np.array(alone)).min() > ALIKE
        turned = unpacked(engine.handle(tree(ROWS[::-1])))[::-1]
        assert cosines(together, turned).min() > ALIKE


def test_a_request_reads_the_same_after_others_of_either_kind(engines):
    llama, _ = engines
    score = Score((Segment(-1, STEM), Segment(0, (30, 31), 2), Segment(0, (32,), 1)))
    states, scores = llama.handle(tree()), llama.handle(score)
    for _ in range(2):
        assert llama.handle(tree()).values == states.values
        assert llama.handle(score).logprobs == scores.logprobs


def test_a_stem_longer_than_a_batch_is_computed_once(engines):
    llama, _ = engines
    long = tuple(10 + i % 37 for i in range(300))
    request = tree([(50 + n, 20) for n in range(8)], long)
    first, second = llama.handle(request), llama.handle(request)
    assert first.unique == second.unique == 316
    assert (first.decoded, second.decoded) == (316, 16)
    assert first.values == second.values
    alone = unpacked(llama.handle(tree([(50, 20)], long)))
    assert cosines(unpacked(first)[:1], alone).min() > ALIKE


def test_places_that_have_no_state_are_refused(engines):
    for engine in engines:
        with pytest.raises(BadRequest, match="place 2 is no segment"):
            engine.handle(Hidden((Segment(-1, (5,)),), (0, 2)))
        with pytest.raises(BadRequest, match="segment 0 has no token to read a state at"):
            engine.handle(Hidden((Segment(-1, ()),), (0,)))
        assert engine.handle(Hidden((Segment(-1, (5,)),), ())).values == b""


def test_states_too_large_for_sixteen_bits_become_the_largest_number():
    values = np.array([[1e6, -1e6, 0.5]], np.float32)
    found = unpacked(States(packed(list(values)), 3, 1, 1))
    assert found.tolist() == [[65504.0, -65504.0, 0.5]]
