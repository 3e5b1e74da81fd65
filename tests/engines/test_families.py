"""Llama, Qwen3 and Gemma: one random GGUF each, which llama.cpp and the twin read alike."""

from __future__ import annotations

import naive_loop
import pytest
from families import CONTEXT, FAMILIES, write

from models.engine import (
    Choice,
    Describe,
    Detokenise,
    Differentiate,
    Generate,
    Score,
    Segment,
    Texts,
    Tokenise,
)
from models.headers import read_gguf
from models.memory import MemoryShort

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("llama_cpp")

from models.llama.engine import load as load_llama  # noqa: E402
from models.trie import BadRequest, build  # noqa: E402
from models.twin.engine import load as load_twin  # noqa: E402
from models.twin.gradients import backpropagate  # noqa: E402
from models.twin.load import make_twin  # noqa: E402
from models.twin.owners import owners_of_nodes  # noqa: E402

BEAT = lambda done, total: None  # noqa: E731
GAP = lambda: None  # noqa: E731
HALF = 0.03
"""Nats by which llama.cpp's scores may be off, since it keeps keys and values in 16 bits."""


@pytest.fixture(scope="module", params=FAMILIES)
def files(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    path = write(folder / "model.gguf", FAMILIES[request.param])
    make_twin(path, folder / "twin")
    return request.param, path, folder / "twin"


@pytest.fixture(scope="module")
def llama(files):
    return load_llama(str(files[1]), beat=BEAT, n_ctx=768, batch=256, threads=1)


@pytest.fixture(scope="module")
def twin(files):
    return load_twin(str(files[2]), beat=BEAT, dtype="float32", threads=1)


def a_tree(start: int) -> tuple[Segment, ...]:
    """A trunk of that many tokens, two queries, and three labels under each."""
    labels = ((30, 40), (31, 32, 40), (33, 40))
    segments = [Segment(-1, tuple(10 + i % 37 for i in range(start)))]
    for query in ((50, 51, 20), (52, 20)):
        segments.append(Segment(0, query))
        parent = len(segments) - 1
        segments += [Segment(parent, label, len(label)) for label in labels]
    return tuple(segments)


def test_the_header_names_the_family(files):
    name, path, _ = files
    assert read_gguf(path).architecture == name


def test_both_read_the_same_ids_as_the_same_text(llama, twin):
    texts = ("the relation of Ada to the head\nis é", "Label: sentence  and\n\n42", "<|im_start|>x")
    read = Detokenise(llama.handle(Tokenise(texts)).ids)
    assert twin.handle(read) == llama.handle(read) == Texts(texts)
    assert twin.handle(Describe()).vocabulary == llama.handle(Describe()).vocabulary


def test_both_name_the_tokens_that_begin_and_end_a_sequence(files, llama, twin):
    sentencepiece = FAMILIES[files[0]].sentencepiece
    names = ("<bos>", "<eos>") if sentencepiece else ("<|im_start|>", "<|im_end|>")
    for engine in (llama, twin):
        found = engine.handle(Describe())
        assert (found.bos_token, found.eos_token) == names
    assert (llama.handle(Describe()).bos is not None) == sentencepiece


@pytest.mark.parametrize("start", [5, 200])
def test_both_score_alike_within_a_sliding_window_and_beyond(llama, twin, start):
    request = Score(a_tree(start))
    theirs, ours = llama.handle(request), twin.handle(request)
    assert theirs.unique == ours.unique
    for one, other in zip(theirs.logprobs, ours.logprobs, strict=True):
        assert one == pytest.approx(other, abs=HALF)


def test_a_context_grows_up_to_the_models_own_and_no_reply_depends_on_it(files):
    small, large = (
        load_llama(str(files[1]), beat=BEAT, n_ctx=cells, batch=256, threads=1)
        for cells in (768, 4096)
    )
    limit = small.handle(Describe()).context
    short, long = Score(a_tree(200)), Score((Segment(-1, (9,) * (limit - 1), 1), Segment(0, (7,))))
    before = small.handle(short)
    assert limit == CONTEXT > small.context.n_ctx
    assert small.handle(long).logprobs == large.handle(long).logprobs
    assert small.context.n_ctx > limit
    assert small.handle(short).logprobs == before.logprobs == large.handle(short).logprobs
    with pytest.raises(
        BadRequest, match=f"{limit + 1} tokens are longer than .* context of {limit}"
    ):
        small.handle(Score((Segment(-1, (9,) * (limit + 1), 1),)))


def test_what_is_written_ends_with_the_context_whatever_others_are_allowed(files):
    engine = load_llama(str(files[1]), beat=BEAT, n_ctx=768, batch=256, threads=1)
    prompts = ((9,) * (CONTEXT - 3), (9,) * 4)
    rules = {"temperature": 0.0, "max_tokens": 8}
    near, far = (one for [one] in engine.handle(Generate(prompts, **rules)).written)
    assert len(near.ids) == 3 and not near.ended
    [[alone]] = engine.handle(Generate(prompts[1:], **rules)).written
    assert far.ids == alone.ids


def test_a_context_that_memory_does_not_hold_is_refused(files, monkeypatch):
    engine = load_llama(str(files[1]), beat=BEAT, n_ctx=768, batch=256, threads=1)
    monkeypatch.setattr("models.memory.available", lambda: 1000)
    with pytest.raises(
        MemoryShort, match=r"with a context of 4864 tokens needs about .* available"
    ):
        engine.handle(Score((Segment(-1, (9,) * 1500, 1),)))


def test_a_longer_request_in_a_gap_changes_no_reply(files):
    """The context grows under a request that is half done; with two ropes it shrinks again."""
    for two_ropes in (False, True):
        engine = load_llama(str(files[1]), beat=BEAT, n_ctx=768, batch=256, threads=1)
        engine.context.model.two_ropes = two_ropes
        request, long = Score(a_tree(400)), Score((Segment(-1, (9,) * 1500, 1),))
        undisturbed, expected = engine.handle(request), engine.handle(long)
        engine.context.clear()
        answers = []

        def answer(engine=engine, long=long, answers=answers) -> None:
            engine.gap = GAP
            answers.append(engine.handle(long))

        engine.gap = answer
        assert engine.handle(request).logprobs == undisturbed.logprobs
        assert set(answers) == {expected}
        assert (engine.context.n_ctx == 768) == two_ropes


@pytest.mark.parametrize("start", [5, 60])
def test_packed_gradients_equal_those_of_a_naive_loop(twin, start):
    segments = a_tree(start)
    owners = [tuple(range(start)), *[tuple(-1 for _ in s.tokens) for s in segments[1:]]]
    choices = (Choice((2, 3, 4), (6, 7, 8), 1, 0.5), Choice((6, 7, 8), (), 0, 0.0))
    request = Differentiate(segments, tuple(owners), choices)
    trie = build(segments)
    found = backpropagate(twin.model, trie, choices, owners_of_nodes(request, trie), BEAT, GAP)
    expected_losses, expected = naive_loop.gradient(twin.model, request)
    assert found.losses == pytest.approx(expected_losses, abs=1e-4)
    assert torch.cosine_similarity(found.mean.flatten(), expected.flatten(), dim=0) >= 0.9999


def test_a_family_writes_and_stops(llama):
    prompt = llama.handle(Tokenise(("the relation",))).ids[0]
    request = Generate((prompt,), n=2, max_tokens=5, grammar='root ::= "yes" | "no"')
    [several] = llama.handle(request).written
    assert {c.text for c in several} <= {"yes", "no"} and all(c.ended for c in several)


@pytest.mark.parametrize("start", [5, 300])
def test_what_is_answered_in_a_gap_changes_no_reply(files, start):
    """A trunk of up to two batches and many branches, a score and a generation in every gap."""
    engine = load_llama(str(files[1]), beat=BEAT, n_ctx=768, batch=256, threads=1)
    branches = tuple(Segment(0, (60 + i % 30, i // 30 + 5, 7), 2) for i in range(600))
    request, other = Score((*a_tree(start), *branches)), Score((Segment(-1, (9, 8, 7), 2),))
    undisturbed, expected = engine.handle(request), engine.handle(other)
    engine.context.clear()
    answers = []

    def answer() -> None:
        engine.gap = GAP
        answers.append(engine.handle(other))
        engine.handle(Generate(((3, 4),), max_tokens=2))
        engine.gap = answer

    engine.gap = answer
    disturbed = engine.handle(request)
    assert len(answers) >= 3 and set(answers) == {expected}
    assert disturbed.logprobs == undisturbed.logprobs
    assert disturbed.unique == undisturbed.unique == undisturbed.decoded < disturbed.decoded


def test_what_is_answered_while_something_is_written_changes_nothing(files):
    """Neither reply, with more continuations than there are streams at once."""
    engine = load_llama(str(files[1]), beat=BEAT, n_ctx=768, batch=256, threads=1)
    prompts = tuple((*range(10, 40), 50 + i, 7) for i in range(20))
    request = Generate(prompts, n=2, max_tokens=6, seed=3)
    others = (Score((Segment(-1, (9, 8, 7), 2),)), Generate(((3, 4),), n=2, max_tokens=4, seed=1))
    undisturbed, *expected = [engine.handle(some) for some in (request, *others)]
    answers = []

    def answer() -> None:
        engine.gap = GAP
        answers.append([engine.handle(other) for other in others])
        engine.gap = answer

    engine.gap = answer
    assert engine.handle(request) == undisturbed
    assert len(answers) > 20 and all(some == expected for some in answers)
