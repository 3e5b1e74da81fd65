"""An answer's tokens are those that llama.cpp itself makes of the whole conversation."""

from __future__ import annotations

from pathlib import Path

import pytest
from chat_families import FAMILIES
from chat_model import tokens_of
from in_process import InProcess
from msgspec.structs import replace

from appliance.encode.tokens import Tokeniser
from models.chat import render_chat
from models.engine import Describe, Description

C = pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load  # noqa: E402

pytestmark = pytest.mark.model
USER, ANSWER = "Is it so?\nSay yes, or no:", "It is."


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> LlamaEngine:
    return load(str(smollm2), beat=lambda done, total: None, n_ctx=768, batch=256)


@pytest.mark.parametrize("name", ["smollm2", "qwen3", "smollm3", "llama-2", "mistral-v0.1"])
def test_the_tokens_of_an_answer_are_those_that_llama_cpp_parses(engine, name):
    [template] = [family.template for family in FAMILIES if family.name == name]
    description = engine.handle(Describe())
    assert isinstance(description, Description)
    asked = replace(description, chat_template=template)
    tokens = tokens_of(Tokeniser(InProcess(engine), "model", asked), USER, ANSWER)
    pieces = render_chat(
        template,
        [("user", USER), ("assistant", ANSWER)],
        add_generation_prompt=False,
        bos_token=description.bos_token,
        eos_token=description.eos_token,
    )
    text = "".join(piece.text for piece in pieces).encode()
    buffer = (C.llama_token * len(text))()
    vocab = engine.vocabulary.vocab
    count = C.llama_tokenize(vocab, text, len(text), buffer, len(buffer), False, True)
    assert tokens == tuple(buffer[:count])[: len(tokens)] and tokens[-1] == description.eos
    assert count - len(tokens) <= 1  # A line break may follow the end of a turn.
