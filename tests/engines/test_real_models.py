"""Models that people have, of other families than SmolLM2: Qwen2.5-Coder-0.5B and Gemma 3 270M."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from in_process import InProcess

from appliance.encode.frame import chat_frame, opened
from appliance.encode.tokens import PROBE
from appliance.errors import InputError
from appliance.host.host import Host
from appliance.host.twin import with_twin
from models.catalog import Catalog
from models.engine import Describe, Detokenise, Generate, Score, Segment, Texts, Tokenise
from models.pool import Pool

pytest.importorskip("llama_cpp")
from models.llama.engine import LlamaEngine, load

pytestmark = pytest.mark.model
BEAT = lambda done, total: None  # noqa: E731


def loaded(path: Path) -> LlamaEngine:
    return load(str(path), beat=BEAT, n_ctx=1024, threads=len(os.sched_getaffinity(0)))


@pytest.fixture(scope="module")
def qwen(qwen_coder: Path) -> LlamaEngine:
    return loaded(qwen_coder)


@pytest.fixture(scope="module", params=["qwen_coder", "gemma"])
def engine(request: pytest.FixtureRequest) -> LlamaEngine:
    return loaded(request.getfixturevalue(request.param))


def test_hostile_text_is_read_as_text_and_survives_its_tokens(engine: LlamaEngine) -> None:
    texts = (PROBE, "<bos></s><|im_end|><end_of_turn><|endoftext|> 日本 №7")
    ids = engine.handle(Tokenise(texts)).ids
    assert engine.handle(Detokenise(ids)) == Texts(texts)
    specials = set(engine.handle(Describe()).specials.values())
    assert not specials & {token for some in ids for token in some}


def test_the_context_is_the_model_s_own_and_grows_when_it_is_needed(engine: LlamaEngine) -> None:
    assert engine.handle(Describe()).context == 32_768 > engine.context.n_ctx
    reply = engine.handle(Score((Segment(-1, tuple(range(100, 1100)), 1),)))
    assert len(reply.logprobs) == 1 and engine.context.n_ctx > 1024


def test_a_chat_model_follows_an_instruction(qwen: LlamaEngine) -> None:
    tokeniser = InProcess(qwen).tokeniser()
    frame = chat_frame(tokeniser)
    [prompt] = opened(tokeniser, frame, ["Answer with one word. What is the capital of France?"])
    assert frame.end == tokeniser.description.specials["<|im_end|>"]
    [[written]] = qwen.handle(Generate((prompt,), max_tokens=8, temperature=0.0)).written
    assert written.text.strip(" .") == "Paris" and written.ended


def test_a_model_without_a_chat_template_says_so(gemma: Path) -> None:
    with pytest.raises(InputError, match="has no chat template; use raw prompts"):
        chat_frame(InProcess(loaded(gemma)).tokeniser())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["qwen_coder", "gemma"])
def test_a_twin_is_made_and_is_the_same_model(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    """Gemma's own tokeniser reads "</s>" as one token, which llama.cpp's does not."""
    catalog = Catalog(tmp_path / "models")
    path = request.getfixturevalue(name)
    model = catalog.add_gguf(path, "real", licence="", origin="test")
    with Pool() as pool:
        host = Host(catalog, pool, print)
        assert with_twin(host, model).twin_sha256
