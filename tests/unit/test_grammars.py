"""Grammars for entities: all that is written follows them, and nothing else can be."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from families import FAMILIES, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.prompts.entities import tag_of, write_json, write_tags
from appliance.scoring.entities import read_json, read_tags
from appliance.scoring.grammars import (
    MAX_CHARACTERS,
    MAX_ENTITIES,
    json_grammar,
    tags_grammar,
)
from models.engine import Generate, Tokenise

pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load
from models.llama.sample import Sampler

TYPES = ("person", "Work of Art", "C+", "3D", "组织", 'a"b\\c')
LIST, TAGS = json_grammar(TYPES), tags_grammar(TYPES)
HOSTILE = (
    *("Ada", "<person>", "</person>", "<3", "<\\", "<", ">", "\\", '"', "\n", " ", "]"),
    *("\x1b[2J", "\x7f", "<|im_start|>", "e\u0301", "日本", "𝒜"),
)
TEXT = "Ada Park wrote The Crane with Bo Lind in Norvik <3 & <person>.\nThen she left."

# To llama.cpp's grammars a NUL is the end of a token.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1) | st.lists(
    st.sampled_from(HOSTILE), min_size=1
).map("".join)
plenty = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> LlamaEngine:
    path = write(tmp_path_factory.mktemp("tiny") / "llama.gguf", FAMILIES["llama"])
    return load(str(path), beat=lambda done, total: None, n_ctx=768, batch=256, threads=1)


def follows(engine: LlamaEngine, grammar: str, text: str) -> bool:
    """Whether the text, and then the end, is what the grammar allows token by token."""
    [ids] = engine.handle(Tokenise((text,))).ids
    sampler = Sampler(engine.context.model.vocab, Generate((), temperature=0.0), 0, grammar)
    try:
        return all(_pick(engine, sampler, id) == id for id in (*ids, engine.vocabulary.eos))
    finally:
        sampler.close()


def _pick(engine: LlamaEngine, sampler: Sampler, wanted: int) -> int:
    logits = np.zeros(engine.context.n_vocab, np.float32)
    logits[wanted] = 1.0
    return sampler.pick(logits)


@st.composite
def marked(draw):
    text = draw(texts)[:MAX_CHARACTERS]
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=2 * MAX_ENTITIES)))
    spans = zip(at[::2], at[1::2], strict=False)
    return text, [(a, b, draw(st.sampled_from(TYPES))) for a, b in spans if a < b]


@given(marked(), st.sampled_from(["", " "]), st.sampled_from(["", "\n", "\n\n"]))
@plenty
def test_what_is_shown_to_a_model_is_what_it_may_write(tiny, row, before, after):
    text, marks = row
    assert follows(tiny, LIST, before + write_json(marks, text) + after)
    assert follows(tiny, TAGS, before + write_tags(marks, text) + after)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[",
        "[{}]",
        '[{"type": "planet", "text": "Ada"}]',
        '[{"type": "person", "text": ""}]',
        '[{"type": "person", "text": "A\nda"}]',
        '[{"type": "person", "text": "\\a"}]',
        '[{"type": "person", "text": "Ada"},]',
        '[{"type": "person"}]',
        "[]  ",
        "[] and more",
    ],
)
def test_what_is_no_list_of_entities_cannot_be_written(tiny, written):
    assert not follows(tiny, LIST, written)


@pytest.mark.parametrize(
    "written",
    [
        "<person>Ada",
        "Ada</person>",
        "<person></person>",
        "<planet>Ada</planet>",
        "<person>Ada</3d>",
        "<person>Ada <_3d>Park</_3d></person>",
        "a<b",
        "<",
        "Ada\nPark",
    ],
)
def test_what_is_no_tagged_line_cannot_be_written(tiny, written):
    assert not follows(tiny, TAGS, written)


def test_a_list_is_bounded(tiny):
    def listed(entities: int, characters: int) -> str:
        return json.dumps([{"type": "person", "text": "é" * characters}] * entities)

    assert follows(tiny, LIST, listed(MAX_ENTITIES, MAX_CHARACTERS))
    assert not follows(tiny, LIST, listed(MAX_ENTITIES + 1, 1))
    assert not follows(tiny, LIST, listed(1, MAX_CHARACTERS + 1))


@pytest.fixture(scope="module")
def model(smollm2) -> LlamaEngine:
    return load(str(smollm2), beat=lambda done, total: None, n_ctx=768, batch=256, threads=1)


def continued(engine: LlamaEngine, shown: str, grammar: str, **options):
    """What the real model writes after a demonstration, as the evaluator asks for it."""
    opening = f"Text: Bo Lind left Vell.\nEntities: {shown}\n\nText: {TEXT}\nEntities:"
    [ids] = engine.handle(Tokenise((opening,))).ids
    asked = Generate((ids,), max_tokens=96, stop=("\n",), grammar=grammar, **options)
    [several] = engine.handle(asked).written
    return several


SHOWN = ((0, 7, "person"), (13, 17, "组织"))
DRAWS = [{"temperature": 0.0}, {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "n": 4, "seed": 3}]


@pytest.mark.model
@pytest.mark.parametrize("options", DRAWS)
def test_the_real_model_writes_lists_that_can_be_read(model, options):
    several = continued(model, write_json(SHOWN, "Bo Lind left Vell."), LIST, **options)
    for one in several:
        found = read_json(one.text, TEXT, TYPES)
        assert {kind for _, _, kind in found} <= set(TYPES)
        if one.ended:
            items = json.loads(one.text)
            assert all(item["type"] in TYPES and item["text"] for item in items)
            assert len(items) <= MAX_ENTITIES
    assert any(one.ended for one in several)


@pytest.mark.model
@pytest.mark.parametrize("options", DRAWS)
def test_the_real_model_writes_tags_that_can_be_read(model, options):
    pairs = "|".join(f"<{n}>[^\n]+?</{n}>" for n in map(re.escape, map(tag_of, TYPES)))
    line = re.compile(rf"(?:[^<\n]|<[\\ 0-9=-]|{pairs})*")
    several = continued(model, write_tags(SHOWN, "Bo Lind left Vell."), TAGS, **options)
    for one in several:
        assert {kind for _, _, kind in read_tags(one.text, TEXT, TYPES)} <= set(TYPES)
        assert not one.ended or line.fullmatch(one.text)
    assert any(one.ended for one in several)
