"""Bodies made by llama.cpp from the real model."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from platformdirs import user_data_dir

from models.headers import HeaderError, read_gguf
from models.make import make

pytest.importorskip("llama_cpp")
from models.llama.quantise import QuantiseError, quantise
from models.make import KINDS

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def source() -> Path:
    default = Path(user_data_dir("strop")) / "models/smollm2-135m/serving.gguf"
    path = Path(os.environ.get("STROP_TEST_MODEL", default))
    if not path.is_file():
        pytest.skip(f"no model at {path}: `strop models pull smollm2-135m`")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_is_the_same_model_in_another_quantisation(source, tmp_path, kind, capfd):
    target = tmp_path / "body.gguf"
    quantise(source, target, kind)
    before, after = read_gguf(source), read_gguf(target)
    assert after.quantisation == kind
    assert {(t.name, t.shape) for t in after.tensors} == {(t.name, t.shape) for t in before.tensors}
    assert after.chat_template == before.chat_template
    assert after.vocabulary == before.vocabulary
    assert [path.name for path in tmp_path.iterdir()] == ["body.gguf"]
    assert capfd.readouterr() == ("", "")


def test_a_body_replaces_the_one_before(source, tmp_path):
    target = tmp_path / "body.gguf"
    target.write_bytes(b"half a file")
    quantise(source, target, "Q4_0")
    assert read_gguf(target).quantisation == "Q4_0"


def test_an_unknown_kind_is_refused(source, tmp_path):
    with pytest.raises(QuantiseError, match="unknown kind 'Q9'; known: BF16, F16, Q8_0, Q6_K"):
        quantise(source, tmp_path / "body.gguf", "Q9")


def test_a_truncated_source_never_reaches_llama_cpp(source, tmp_path):
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(source.read_bytes()[:10_000_000])
    with pytest.raises(HeaderError, match="truncated"):
        quantise(cut, tmp_path / "body.gguf", "Q8_0")
    assert not (tmp_path / "body.gguf").exists()


def test_a_target_that_cannot_be_written_is_reported(source, tmp_path, capfd):
    with pytest.raises(QuantiseError, match=r"as Q8_0: llama\.cpp failed: .*iostream error"):
        quantise(source, tmp_path / "none" / "body.gguf", "Q8_0")
    assert capfd.readouterr() == ("", "")


def test_a_body_that_a_child_makes_is_its_owners_alone(source, tmp_path):
    before = os.umask(0o022)
    try:
        make("body", source, tmp_path / "body.gguf", "Q4_0")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "body.gguf").stat().st_mode) == 0o600
