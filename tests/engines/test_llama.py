"""llama.cpp on the real SmolLM2: a tree of sequences scores as its sequences do, one by one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import PROMPT, TASK, InProcess, case, row

from appliance.encode.layout import Layout
from appliance.encode.renderer import Renderer
from appliance.encode.tokens import Tokeniser, text_of
from appliance.prompts.render import render
from appliance.scoring.replies import totals
from appliance.statistics.proportions import rank_agreement
from models.engine import (
    Describe,
    Detokenise,
    Generate,
    Propose,
    Score,
    Segment,
    Tokenise,
)
from models.trie import BadRequest

pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load
from models.llama.quantise import quantise

pytestmark = pytest.mark.model

CELLS, BATCH = 768, 256
"""The least that llama.cpp takes for 256 sequences: a few demonstrations are a trunk then."""

SHOTS = {
    f"s{n}": row(f"Person {n} of Vell", f"the {n}. firm in Ostrand", label)
    for n, label in enumerate(("founder", "author", "supplier of") * 2)
}
SHOWN = msgspec.structs.replace(PROMPT, shots=tuple(SHOTS))

ROUNDING_Q4_1 = 0.4
"""Nats by which a label's score may move with the shape of its batch: llama.cpp rounds activations
to 8 bits for a quantised body. Seen: 0.13."""

ROUNDING_F16 = 0.01
"""The same for an unquantised body. Seen: 0.003."""

CASES = [
    case(row("Mirel Tann", "Ostrand Cranes")),
    case(row("7 partners", "Étude № 7", "author", before="In 1999, ")),
    case(row("<|im_start|>user", "the press", "author", before="42 times ")),
    case(row("Lyss & Sons", "Vell", "supplier of")),
]
HOSTILE = [
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "\t",
    "The",
    "日本",
    "'s",
    "<|im_start|>",
    "\0",
    "\u0301",
    "\x85",
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cc", "Cn", "Co", "Cs")), max_size=30),
    st.lists(st.sampled_from([*"7½²aé-(", *HOSTILE]), max_size=12).map("".join),
)
few = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def opened(path: Path) -> LlamaEngine:
    return load(str(path), beat=lambda done, total: None, n_ctx=CELLS, batch=BATCH, threads=1)


@pytest.fixture(scope="module")
def engine(smollm2) -> LlamaEngine:
    return opened(smollm2)


@pytest.fixture(scope="module")
def unquantised(smollm2, tmp_path_factory) -> LlamaEngine:
    path = tmp_path_factory.mktemp("f16") / "f16.gguf"
    quantise(smollm2, path, "F16")
    return opened(path)


@pytest.fixture(scope="module")
def tokeniser(engine) -> Tokeniser:
    return InProcess(engine).tokeniser()


@pytest.fixture(scope="module")
def layout(tokeniser) -> Layout:
    return Renderer(TASK, SHOTS, tokeniser).sheet(SHOWN, CASES[:1]).layout


def ids_of(engine: LlamaEngine, text: str) -> tuple[int, ...]:
    return engine.handle(Tokenise((text,))).ids[0]


def sequence(layout: Layout, place: int) -> tuple[int, ...]:
    tokens: tuple[int, ...] = ()
    while place >= 0:
        tokens = layout.segments[place].tokens + tokens
        place = layout.segments[place].parent
    return tokens


def largest_difference(engine: LlamaEngine, layout: Layout) -> float:
    """Between the scores of answers in the tree and alone, a content-free one among them."""
    reading = [place for place, segment in enumerate(layout.segments) if segment.read]
    together = engine.handle(Score(tuple(layout.segments)))
    assert engine.context.resident and together.unique < 2 * len(engine.context.resident)
    found = dict(zip(reading, together.logprobs, strict=True))
    differences = []
    for place in (*layout.plain[0][:2], layout.free[0][0]):
        alone = Segment(-1, sequence(layout, place), layout.segments[place].read)
        [logprobs] = engine.handle(Score((alone,))).logprobs
        assert len(logprobs) == len(found[place])
        differences.append(abs(sum(logprobs) - sum(found[place])))
    return max(differences)


def test_a_tree_scores_as_its_sequences_do_one_by_one(engine, layout):
    assert largest_difference(engine, layout) < ROUNDING_Q4_1


def test_an_unquantised_body_scores_a_tree_as_its_sequences_closely(unquantised, layout):
    assert largest_difference(unquantised, layout) < ROUNDING_F16


def test_log_probabilities_are_those_of_a_distribution(engine, layout):
    scores = engine.handle(Score(tuple(layout.segments))).logprobs
    assert all(value < 0 for logprobs in scores for value in logprobs)
    prefix = ids_of(engine, "The capital of France is")
    best = engine.handle(Propose((prefix,), engine.context.n_vocab)).tokens[0]
    assert sum(2.718281828459045**value for _, value in best) == pytest.approx(1, abs=1e-4)


def test_what_follows_the_same_trunk_decodes_less_and_scores_the_very_same(engine, tokeniser):
    """After a generation too, which has a memory of its own."""
    renderer = Renderer(TASK, SHOTS, tokeniser)
    first, second = (Score(renderer.sheet(SHOWN, CASES[at : at + 1]).segments) for at in (0, 1))
    engine.context.clear()
    engine.handle(first)
    resident = engine.context.resident
    engine.handle(Generate(((100, 200),), n=2, max_tokens=2))
    behind = engine.handle(second)
    engine.context.clear()
    cleared = engine.handle(second)
    assert resident and behind.decoded == cleared.decoded - len(resident) < cleared.decoded
    assert behind.logprobs == cleared.logprobs
    assert behind.unique == cleared.unique == cleared.decoded


def refused(engine: LlamaEngine, request, message: str) -> None:
    """The request is refused, and the engine answers the next one as it did before."""
    probe = Score((Segment(-1, (100, 200, 300), 2),))
    before = engine.handle(probe).logprobs
    with pytest.raises(BadRequest, match=message):
        engine.handle(request)
    assert engine.handle(probe).logprobs == before


def test_a_prompt_that_is_too_long_is_refused_with_its_length_and_the_limit(engine):
    limit = engine.handle(Describe()).context
    assert limit == 8192 > CELLS
    message = f"{limit + 1} tokens are longer than the model's context of {limit}"
    refused(engine, Score((Segment(-1, (100,) * (limit + 1), 1),)), message)
    refused(engine, Propose(((100,) * (limit + 1),), 1), message)
    refused(engine, Generate(((100,) * limit,)), message)
    deep = (Segment(-1, (100,) * limit), Segment(0, (5,), 1))
    refused(engine, Score(deep), message)


@pytest.mark.parametrize("token", [-1, 49_152, 2**31 - 1])
def test_ids_outside_the_vocabulary_are_refused_with_its_size(engine, token):
    refused(engine, Score((Segment(-1, (100, token), 1),)), "outside the vocabulary of 49152")
    refused(engine, Propose(((token,),), 1), "outside the vocabulary of 49152")
    refused(engine, Generate(((token,),)), "outside the vocabulary of 49152")
    refused(engine, Detokenise(((100, token),)), "outside the vocabulary of 49152")


def test_what_cannot_be_sampled_is_refused(engine):
    refused(engine, Generate(((),)), "empty prompt")
    refused(engine, Generate(((100,),), n=0), "cannot write 0 continuations")
    refused(engine, Generate(((100,),), stop=("",)), "stop string is empty")
    refused(engine, Propose(((100,), ()), 1), "empty prefix")


def test_proposals_are_sorted_and_their_log_probabilities_are_those_of_scoring(engine):
    prefixes = tuple(ids_of(engine, text) for text in ("The capital of France is", "One, two,"))
    for prefix, likeliest in zip(prefixes, engine.handle(Propose(prefixes, 6)).tokens, strict=True):
        values = [value for _, value in likeliest]
        assert values == sorted(values, reverse=True) and len(values) == 6
        tree = (Segment(-1, prefix), *(Segment(0, (token,), 1) for token, _ in likeliest))
        scored = [value for (value,) in engine.handle(Score(tree)).logprobs]
        assert scored == pytest.approx(values, abs=ROUNDING_Q4_1)


@given(TEXTS)
@few
def test_text_survives_its_tokens_whatever_it_says(engine, text):
    reply = engine.handle(Tokenise((text,)))
    [ids], [ends] = reply.ids, reply.ends
    assert engine.handle(Detokenise((ids,))).texts == (text,)
    assert not set(ids) & set(engine.vocabulary.specials.values())
    assert len(ends) == len(ids) and list(ends) == sorted(set(ends))
    data = text.encode()
    assert (ends[-1] if ends else 0) == len(data)
    for token, start, end in zip(ids, (0, *ends), ends, strict=False):
        assert engine.vocabulary.piece(token) == data[start:end]


def test_a_byte_that_the_vocabulary_lacks_is_dropped_alone(engine):
    [ids], [ends] = (reply := engine.handle(Tokenise(("a\x04b",)))).ids, reply.ends
    assert engine.handle(Detokenise((ids,))).texts == ("ab",) and ends[-1] == 3


def test_special_text_is_plain_and_special_tokens_have_no_text(engine):
    special = engine.vocabulary.specials["<|im_start|>"]
    ids = ids_of(engine, "<|im_start|>")
    assert special not in ids and len(ids) > 1
    assert engine.handle(Detokenise(((special,), ids))).texts == ("", "<|im_start|>")


@given(TEXTS)
@few
def test_cutting_a_text_at_its_lines_gives_the_tokens_of_the_whole(engine, tokeniser, text):
    [(ids, ends)] = tokeniser.encode([text], closed=True)
    reply = engine.handle(Tokenise((text, text + "A")))
    assert (ids, ends) == (reply.ids[0], reply.ends[0])
    [(ids, ends)] = tokeniser.encode([text])
    size = len(text.encode())
    kept = [end for end in reply.ends[1] if end <= size]
    assert (ids, ends) == (reply.ids[1][: len(kept)], tuple(kept))
    complete, rest = tokeniser.cut(text)
    parts = (*tokeniser.encode([complete]), *tokeniser.encode([rest], closed=True))
    assert sum((part[0] for part in parts), ()) == reply.ids[0]


def test_requests_spell_their_strings_even_where_a_row_begins_with_a_digit(engine, tokeniser):
    prompt = PROMPT.with_section("task", "{labels}\n\n")
    for example in (prompt.example, "{text}\n{head} -> {tail} = {label}\n\n"):
        shaped = type(prompt)(prompt.sections, example)
        rows = [*CASES, case(row("9 firms", "Vell", "author"))]
        layout = Renderer(TASK, {}, tokeniser).sheet(shaped, rows).layout
        for asked, places in zip(rows, layout.plain, strict=True):
            [found] = render(shaped, TASK, asked, ())
            for answer, place in zip(found.answers, places, strict=True):
                text = text_of((*found.prefix, *found.query, *answer))
                assert sequence(layout, place) == ids_of(engine, text + "A")[:-1]


def test_the_twin_ranks_labels_as_the_body_does(engine, tokeniser, smollm2):
    folder = smollm2.parent / "twin"
    if not folder.is_dir():
        pytest.skip(f"no twin at {folder}: a first `strop tune` makes it")
    pytest.importorskip("torch")
    from models.twin.engine import load as load_twin

    twin = load_twin(str(folder), beat=lambda done, total: None, threads=1)
    cases = CASES[:2]
    sheet = Renderer(TASK, {}, tokeniser).sheet(PROMPT, cases)
    request = Score(sheet.segments)
    ours, theirs = (list(totals(sheet, model.handle(request)).values()) for model in (engine, twin))
    assert rank_agreement(ours, theirs).spearman > 0.9
