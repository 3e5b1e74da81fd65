"""What is wrong with a GGUF file is said: before llama.cpp reads it, or by the numbers it gives."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from families import FAMILIES, write

from models.engine import Generate, Propose, Score, Segment
from models.headers import HeaderError, read_gguf
from models.memory import MemoryShort

pytest.importorskip("llama_cpp")
import llama_cpp as C

from models.llama.context import Context, EngineError, Model
from models.llama.engine import LlamaEngine, load

BEAT = lambda done, total: None  # noqa: E731


def test_a_hostile_header_is_refused_before_llama_cpp_opens_the_file(tmp_path, monkeypatch):
    path = tmp_path / "hostile.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + (1 << 60).to_bytes(8, "little") * 2)
    opened = []
    monkeypatch.setattr(C, "llama_model_load_from_file", lambda *given: opened.append(given))
    with pytest.raises(HeaderError, match=r"hostile\.gguf"):
        Context(Model(path, 0), n_ctx=768, batch=256, threads=1)
    assert opened == []
    monkeypatch.setattr("models.llama.context.read_gguf", lambda path: None)
    with pytest.raises(EngineError, match="could not load"):
        Context(Model(path, 0), n_ctx=768, batch=256, threads=1)
    assert len(opened) == 1, "the loader that was replaced is the one that is called"
    with pytest.raises(MemoryShort, match=r"card cannot hold it, set STROP_GPU_LAYERS"):
        Context(Model(path, 99), n_ctx=768, batch=256, threads=1)


def test_why_llama_cpp_loads_no_model_is_said(tmp_path):
    path = write(tmp_path / "strange.gguf", FAMILIES["llama"])
    path.write_bytes(path.read_bytes().replace(b"smollm", b"nobody"))
    for _ in range(2):
        with pytest.raises(EngineError, match=r"strange\.gguf: .*unknown pre-tokenizer.*'nobody'"):
            Model(path, 0)


@pytest.fixture(scope="module")
def damaged(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> LlamaEngine:
    """The real model where the scale of the first block of token 0, a float16, is no number."""
    path = tmp_path_factory.mktemp("damaged") / "damaged.gguf"
    shutil.copyfile(smollm2, path)
    header = read_gguf(path)
    head = next(tensor for tensor in header.tensors if tensor.name == "token_embd.weight")
    with path.open("r+b") as file:
        file.seek(header.data_offset + head.offset)
        file.write(b"\x00\x7e")
    return load(str(path), beat=BEAT, n_ctx=768, batch=256, threads=len(os.sched_getaffinity(0)))


@pytest.mark.model
@pytest.mark.parametrize(
    "request_",
    [
        Score((Segment(-1, (100, 200, 300), 2),)),
        Propose(((100, 200),), 3),
        Generate(((100, 200),), max_tokens=2),
    ],
    ids=["score", "propose", "generate"],
)
def test_numbers_that_are_not_finite_are_an_error_and_never_an_answer(damaged, request_):
    with pytest.raises(EngineError, match=r"not finite.*strop models check"):
        damaged.handle(request_)


@pytest.mark.model
def test_nothing_of_a_request_that_failed_stays_in_memory(damaged):
    with pytest.raises(EngineError):
        damaged.handle(Score((Segment(-1, (100, 200, 300), 2),)))
    ends = [C.llama_memory_seq_pos_max(damaged.context.memory, sequence) for sequence in (0, 1)]
    assert ends == [-1, -1]
