"""Continuations written side by side are those that each prompt gets by itself."""

from __future__ import annotations

import json
import re

import pytest
from families import FAMILIES, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.engine import Continuation, Detokenise, Generate, Propose, Score, Segment, Tokenise
from models.trie import BadRequest, build

pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load

CELLS, BATCH = 768, 256
PROBE = Score((Segment(-1, (10, 20, 30), 2),))
BEATS: list[tuple[int, int]] = []


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> LlamaEngine:
    path = write(tmp_path_factory.mktemp("tiny") / "llama.gguf", FAMILIES["llama"])
    beat = lambda done, total: BEATS.append((done, total))  # noqa: E731
    return load(str(path), beat=beat, n_ctx=CELLS, batch=BATCH, threads=1)


def written(engine: LlamaEngine, *prompts: tuple[int, ...], **options) -> list[list[Continuation]]:
    return [list(some) for some in engine.handle(Generate(prompts, **options)).written]


def ids_of(engine: LlamaEngine, text: str) -> tuple[int, ...]:
    return engine.handle(Tokenise((text,))).ids[0]


tokens = st.integers(0, 290)
stems = st.lists(st.lists(tokens, max_size=350), min_size=1, max_size=3)


@st.composite
def several_prompts(draw) -> tuple[tuple[int, ...], ...]:
    """Some of which share a beginning, are a beginning, or are the same."""
    shared = draw(stems)
    one = st.builds(
        lambda stem, end, all_of_it: tuple(stem if all_of_it and stem else [*stem, *end]),
        st.sampled_from(shared),
        st.lists(tokens, min_size=1, max_size=20),
        st.booleans(),
    )
    return tuple(draw(st.lists(one, min_size=1, max_size=12)))


def tied(engine: LlamaEngine, prompt: tuple[int, ...], one: Continuation, other: Continuation):
    """Whether rounding decided where they part: llama.cpp sums in another order in another batch,
    and keeps what it remembers in 16 bits."""
    parted = next(
        i for i, pair in enumerate(zip(one.ids, other.ids, strict=False)) if len(set(pair)) > 1
    )
    [best] = engine.handle(Propose(((*prompt, *one.ids[:parted]),), 2)).tokens
    return best[0][1] - best[1][1] < 0.02


@given(several_prompts(), st.integers(1, 3), st.integers(1, 40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_side_by_side_is_what_is_written_alone(engine, prompts, n, length):
    """Through a context that holds a few of them at a time."""
    options = {"max_tokens": length, "temperature": 0.0}
    reply = engine.handle(Generate(prompts, n=n, **options))
    for prompt, several in zip(prompts, reply.written, strict=True):
        [[alone]] = written(engine, prompt, **options)
        assert len(several) == n
        assert all(one == alone or tied(engine, prompt, alone, one) for one in several)
    assert reply.unique == len(build([Segment(-1, prompt) for prompt in prompts]))
    assert reply.decoded >= reply.unique


def test_a_shared_prompt_is_decoded_once(engine):
    shared = tuple(range(100))
    prompts = tuple((*shared, 100 + i, 7) for i in range(20))
    reply = engine.handle(Generate(prompts, n=3, max_tokens=4))
    own = sum(len(c.ids) - (not c.ended) for some in reply.written for c in some)
    assert reply.unique == 100 + 20 * 2
    assert reply.decoded == reply.unique + own


def test_more_continuations_are_written_than_there_are_sequences(engine):
    [several] = written(engine, (5,), n=400, max_tokens=2, temperature=0.0)
    assert len(several) == 400 and len(set(several)) == 1


def test_generation_is_a_function_of_its_seed(engine):
    prompts = (ids_of(engine, "the relation of"), ids_of(engine, "the head"))
    first = written(engine, *prompts, n=4, max_tokens=5, seed=1)
    assert written(engine, *prompts, n=4, max_tokens=5, seed=1) == first
    assert written(engine, *prompts, n=4, max_tokens=5, seed=2) != first
    assert len({c.ids for some in first for c in some}) > 6


@pytest.mark.parametrize(
    "narrow", [{"temperature": 0.0}, {"top_k": 1}, {"min_p": 1.0}, {"top_p": 1e-9}]
)
def test_what_leaves_one_token_is_greedy_whatever_the_seed(engine, narrow):
    prompt = ids_of(engine, "the relation of")
    [[found]] = written(engine, prompt, max_tokens=6, seed=3, **narrow)
    greedy = list(prompt)
    for token in found.ids:
        [[(best, _)]] = engine.handle(Propose((tuple(greedy),), 1)).tokens
        assert token == best
        greedy.append(token)


def test_draws_follow_the_model_s_distribution(engine):
    """First tokens of 3,000 continuations against the chances; 4 standard errors."""
    prompt = ids_of(engine, "the relation of")
    [best] = engine.handle(Propose((prompt,), 3)).tokens
    n = 3000
    options = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
    [several] = written(engine, prompt, n=n, max_tokens=1, **options)
    for token, logprob in best:
        chance = 2.718281828**logprob
        share = sum(c.ids[:1] == (token,) for c in several) / n
        assert abs(share - chance) < 4 * (chance * (1 - chance) / n) ** 0.5


def test_a_stop_string_ends_a_continuation_and_is_cut_off(engine):
    prompt = ids_of(engine, "the sentence")
    [[whole]] = written(engine, prompt, max_tokens=12, temperature=0.0)
    assert not whole.ended and len(whole.ids) == 12
    stop = whole.text[len(whole.text) // 2 :][:2]
    [[cut]] = written(engine, prompt, max_tokens=12, temperature=0.0, stop=("never said", stop))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.ended and cut.ids == whole.ids[: len(cut.ids)]
    assert stop in engine.handle(Detokenise((cut.ids,))).texts[0]


GRAMMAR = 'root ::= ("yes" | "no") " " [0-9]+ "."'


def test_a_grammar_says_what_may_be_written(engine):
    [several] = written(engine, (5, 6), n=50, max_tokens=40, temperature=2.0, grammar=GRAMMAR)
    ended = [c.text for c in several if c.ended]
    assert len(ended) > 25
    assert all(re.fullmatch(r"(yes|no) \d+\.", text) for text in ended)
    cut = [c.text for c in several if not c.ended]
    assert all(re.fullmatch(r"(yes|no) \d*", text) for text in cut)


def test_a_grammar_keeps_the_chances_of_what_it_allows(engine):
    prompt = ids_of(engine, "the relation of")
    letters = {engine.handle(Tokenise((letter,))).ids[0][0]: letter for letter in "abcd"}
    every = dict(engine.handle(Propose((prompt,), 299)).tokens[0])
    chances = {letter: 2.718281828 ** every[token] for token, letter in letters.items()}
    total, n = sum(chances.values()), 2000
    options = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "grammar": "root ::= [a-d]"}
    [several] = written(engine, prompt, n=n, max_tokens=1, **options)
    for letter, chance in chances.items():
        chance /= total
        share = sum(c.text == letter for c in several) / n
        assert abs(share - chance) < 4 * (chance * (1 - chance) / n) ** 0.5 + 1e-3


def test_a_json_schema_says_what_may_be_written(engine):
    schema = {
        "type": "object",
        "properties": {"relation": {"enum": ["founder", "author"]}, "sure": {"type": "boolean"}},
        "required": ["relation", "sure"],
    }
    [several] = written(engine, (5,), n=20, max_tokens=200, schema=json.dumps(schema))
    ended = [json.loads(c.text) for c in several if c.ended]
    assert ended
    for found in ended:
        assert set(found) == {"relation", "sure"}
        assert found["relation"] in ("founder", "author") and isinstance(found["sure"], bool)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grammar": "root ::= ("}, "cannot read the grammar"),
        ({"grammar": 'start ::= "a"'}, "rule `root`"),
        ({"schema": "{"}, "JSON schema cannot be followed"),
        ({"schema": '{"$ref": "#/no"}'}, "JSON schema cannot be followed"),
        ({"schema": "{}", "grammar": 'root ::= "a"'}, "give one of them"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_k": -1}, "top-k -1"),
        ({"top_p": 0.0}, "top-p 0.0"),
        ({"min_p": 2.0}, "min-p 2.0"),
        ({"max_tokens": 0}, "0 tokens each"),
    ],
)
def test_what_cannot_be_followed_is_refused_and_leaves_no_trace(engine, options, message):
    before = engine.handle(PROBE)
    with pytest.raises(BadRequest, match=message):
        written(engine, (5, 6), (5, 7), **options)
    assert engine.handle(PROBE) == before


def test_a_generation_that_is_broken_off_leaves_a_clean_memory(engine):
    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    prompts = ((5, 6, 7), (5, 6, 8))
    before, alone = engine.handle(PROBE), written(engine, *prompts, max_tokens=8, seed=4)
    beat, engine.beat = engine.beat, stop
    with pytest.raises(Stop):
        written(engine, *prompts, max_tokens=8)
    engine.beat = beat
    assert written(engine, *prompts, max_tokens=8, seed=4) == alone
    assert engine.handle(PROBE) == before


def test_a_beat_is_given_for_every_batch(engine):
    BEATS.clear()
    written(engine, (5, 6), n=2, max_tokens=6, temperature=0.0)
    assert [done for done, _ in BEATS] == sorted({done for done, _ in BEATS}) and len(BEATS) == 6
    assert {total for _, total in BEATS} == {12}
